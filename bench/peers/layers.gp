# The ratio of every layer, the worst first: a curve a peer, a panel a pass and layout. report.py
# calls it.

heading_text = "Time of each peer over blasconv's, ".what.": above the line blasconv is faster"
load script_folder."/style.gp"
set logscale y
set yrange [0.2:20]
set ytics (0.2, 0.5, 1, 2, 5, 10, 20)
set xrange [0:100]
set xtics 25 format "%g %%"
set xlabel "layers" textcolor rgb "#555555"
do for [panel = 1:words(titles)] {
  set title word(titles, panel)
  set key at screen 0.5, 0.05 center horizontal maxrows 2
  if (panel > 1) { unset key; unset label 100; unset label 101 }
  plot 1 with lines lc rgb "#222222" lw 1.5 notitle, \
    for [i = 1:words(peers)] folder."/layers.dat" index (panel - 1) * words(peers) + i - 1 \
      using 1:2 skip 1 with linespoints lc rgb colours[i] lw 2 pt 7 ps 0.35 title word(peers, i)
}
unset multiplot
