# The loss of each step from six kinds of first values, from the CSV file that
# `learning loss-curves FOLDER` writes.
#
#   gnuplot -e "folder='FOLDER'" examples/learning/loss_curves.gp

set datafile separator comma
set terminal pngcairo size 1000,520 font "DejaVu Sans,12" background rgb "#ffffff"
set output folder."/loss_curves.png"
csv = folder."/loss_curves.csv"

set logscale y
set border 3 lc rgb "#999999"
set xtics nomirror textcolor rgb "#555555"
set yrange [0.2:20]
set label "large starts at a million and leaves the numbers" at 4,14 textcolor rgb "#b3202c"
set ytics (0.2, 0.5, 1, 2, 5, 10, 20) nomirror textcolor rgb "#555555"
set grid ytics lc rgb "#e4e4e4" lt 1
set xlabel "step" textcolor rgb "#555555"
set ylabel "loss, logarithmic" textcolor rgb "#555555"
set key outside right textcolor rgb "#333333" samplen 2

array inks[6] = ["#222222", "#999999", "#7a4fb5", "#b3202c", "#0b6e99", "#2e8b57"]
set title "The same network, six kinds of first values" textcolor rgb "#222222" font ",14"
plot for [i = 1:6] csv using 1:(column(i + 1)) with lines lc rgb inks[i] \
  lw (i == 1 ? 4 : 1.6) title columnheader(i + 1)
