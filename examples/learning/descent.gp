# The ways of the rules down the bowl f(x, y) = (x^2 + 20 y^2) / 2, from the CSV file that
# `learning descent FOLDER` writes.
#
#   gnuplot -e "folder='FOLDER'" examples/learning/descent.gp

set datafile separator comma
set terminal pngcairo size 1000,760 font "DejaVu Sans,12" background rgb "#ffffff"
set output folder."/descent.png"
# f is constant on ellipses.
array levels[7] = [1, 5, 15, 30, 50, 75, 105]
do for [i = 1:7] {
  set object i ellipse center 0,0 size 2*sqrt(2*levels[i]), 2*sqrt(2*levels[i]/20.0) \
    behind fillstyle empty border lc rgb "#cfd3da"
}

set border 3 lc rgb "#999999"
set xrange [-10:4.5]
set yrange [-3:3]
set xtics nomirror textcolor rgb "#555555"
set ytics nomirror textcolor rgb "#555555"
unset key
array rules[6] = ["SGD rate 0.02", "SGD rate 0.09", "SGD rate 0.102", "momentum rate 0.02", \
                  "Nesterov rate 0.02", "Adam rate 0.5"]
array inks[6] = ["#0b6e99", "#0b6e99", "#b3202c", "#d9822b", "#7a4fb5", "#2e8b57"]
array titles[6] = ["SGD, rate 0.02: safe, and slow along x", \
                   "SGD, rate 0.09: zigzag across the valley", \
                   "SGD, rate 0.102, above 2/20: diverges", \
                   "momentum 0.9, rate 0.02: overshoots", \
                   "Nesterov 0.9, rate 0.02: looks ahead", \
                   "Adam, rate 0.5: same pace on both axes"]
set multiplot layout 3,2
do for [i = 1:6] {
  set title titles[i] textcolor rgb "#222222" font ",13" offset 0,-0.5
  plot folder."/descent.csv" skip 1 using (strcol(1) eq rules[i] && $2 <= 60 ? $3 : NaN):4 \
    with linespoints lc rgb inks[i] lw 1.5 pt 7 ps 0.5
}
unset multiplot
