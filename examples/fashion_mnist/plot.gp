# The curves of a training: loss and accuracy of every epoch, in training and on the test pictures.
#
#   gnuplot -e "csv='out/training.csv'; png='out/training.png'" examples/fashion_mnist/plot.gp

set datafile separator comma
# One column at a time: of two, gnuplot would fit a line through what may be a single point.
stats csv skip 1 using 1 nooutput
epochs = STATS_max
stats csv skip 1 using 3 nooutput
seconds = STATS_max
stats csv skip 1 using 4 nooutput
losses = STATS_max
stats csv skip 1 using 6 nooutput
losses = STATS_max > losses ? STATS_max : losses
stats csv skip 1 using 5 nooutput
lowest = STATS_min
stats csv skip 1 using 7 nooutput
lowest = STATS_min < lowest ? STATS_min : lowest
best = STATS_max

set terminal pngcairo size 1400,640 font "DejaVu Sans,13" background rgb "#ffffff"
set output png
set multiplot layout 1,2 margins 0.065,0.975,0.12,0.82 spacing 0.075
set label 100 sprintf("Fashion-MNIST: %.2f %% of the test pictures at best, %.0f s", 100 * best, seconds) \
  at screen 0.5,0.94 center font ":Bold,18" textcolor rgb "#222222"

set border 3 lc rgb "#999999"
set grid ytics lc rgb "#e4e4e4" lt 1
set xtics nomirror textcolor rgb "#555555"
set ytics nomirror textcolor rgb "#555555"
set xlabel "epoch" textcolor rgb "#555555"
set xrange [epochs > 1 ? 0.8 : 0.5 : epochs > 1 ? epochs + 0.2 : 1.5]
set xtics ceil(epochs / 12.0)
set key top right textcolor rgb "#333333" samplen 2
set style line 1 lc rgb "#f2a33a" lw 2.5 pt 7 ps 0.9
set style line 2 lc rgb "#0b6e99" lw 2.5 pt 7 ps 0.9

set title "Loss (mean cross-entropy)" font ",14" textcolor rgb "#333333"
set yrange [0 : losses * 1.1]
plot csv skip 1 using 1:4 with linespoints ls 1 title "training, while it goes on", \
     csv skip 1 using 1:6 with linespoints ls 2 title "test"

unset label 100
set title "Accuracy in %" font ",14" textcolor rgb "#333333"
set key bottom right
set yrange [floor(100 * lowest - 1) : 100]
plot csv skip 1 using 1:(100 * $5) with linespoints ls 1 title "training, while it goes on", \
     csv skip 1 using 1:(100 * $7) with linespoints ls 2 title "test"
unset multiplot
