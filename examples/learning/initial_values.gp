# How large the signal and the gradient are at each layer, from the CSV file that
# `learning initial-values FOLDER` writes.
#
#   gnuplot -e "folder='FOLDER'" examples/learning/initial_values.gp

set datafile separator comma
set terminal pngcairo size 1100,460 font "DejaVu Sans,12" background rgb "#ffffff"
set output folder."/initial_values.png"
csv = folder."/initial_values.csv"

set logscale y
set format y "10^{%L}"
set border 3 lc rgb "#999999"
set xtics 1 nomirror textcolor rgb "#555555"
set ytics nomirror textcolor rgb "#555555"
set grid ytics lc rgb "#e4e4e4" lt 1
set xrange [0.8:9.2]
set xlabel "layer (9 is dense)" textcolor rgb "#555555"
set key bottom left textcolor rgb "#333333" samplen 2

array names[5] = ["constant", "small", "large", "Glorot", "He"]
array inks[5] = ["#888888", "#7a4fb5", "#b3202c", "#0b6e99", "#2e8b57"]
set multiplot layout 1,2
set title "mean square of the output, on the way up" textcolor rgb "#222222" font ",13"
plot for [i = 1:5] csv skip 1 using (strcol(1) eq names[i] ? $2 : NaN):3 \
  with linespoints lc rgb inks[i] lw 2 pt 7 ps 0.8 title names[i]
set title "variance of the gradient, on the way down" textcolor rgb "#222222" font ",13"
plot for [i = 1:5] csv skip 1 using (strcol(1) eq names[i] ? $2 : NaN):5 \
  with linespoints lc rgb inks[i] lw 2 pt 7 ps 0.8 notitle
unset multiplot
