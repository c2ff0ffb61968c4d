# The ratio of every layer, the worst first: a curve a peer, a panel a pass and layout. report.py
# calls it, as the others.

heading = "Each layer: above the line blasconv is faster"
load script_folder."/style.gp"
set logscale y
set yrange [0.1:20]
set ytics (0.1, 0.2, 0.5, 1, 2, 5, 10, 20)
set xrange [0:100]
set xtics 25 format "%g %%"
set xlabel "layers, batches and threads" textcolor rgb "#555555"
set ylabel "peer's time / blasconv's" textcolor rgb "#555555" offset 1,0
count = words(legend)
do for [panel = 1:words(titles)] {
  set title word(titles, panel)
  plot 1 with lines lc rgb "#222222" lw 1.5, \
    for [i = 1:count] folder."/layers.dat" index (panel - 1) * count + i - 1 \
      using 1:2 skip 1 with linespoints lc rgb colours[i] lw 2 pt 7 ps 0.35
}
unset multiplot
