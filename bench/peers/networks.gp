# The ratio of whole networks: a cluster a network, a bar a peer, a panel a pass and layout.

heading = sprintf("Whole networks, batch %s, threads %s: above the line blasconv is faster", batch, threads)
load script_folder."/style.gp"
set logscale y
set yrange [0.3:16]
set ytics (0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5, 8, 16)
set ylabel "peer's time / blasconv's" textcolor rgb "#555555" offset 1,0
set style fill solid 1.0 noborder
set xrange [-0.6:int(networks) - 0.4]
set xtics scale 0 noenhanced font ",8.5"
count = words(legend)
bar = 0.84 / count
place(i) = $1 + (i - (count + 1) / 2.0) * bar
end(ratio) = ratio > 12 ? 12 : ratio
# In two lines, if it has two words.
lines(name) = strstrt(name, "_") == 0 ? name : \
  name[1:strstrt(name, "_") - 1]."\n".name[strstrt(name, "_") + 1:*]
do for [panel = 1:words(titles)] {
  set title word(titles, panel)
  plot for [i = 1:count] folder."/networks.dat" index (panel - 1) * count + i - 1 skip 1 \
      using (place(i)):(end($2)):(place(i) - 0.46 * bar):(place(i) + 0.46 * bar):(1):(end($2)) \
      with boxxyerror lc rgb colours[i], \
    for [i = 1:count] folder."/networks.dat" index (panel - 1) * count + i - 1 skip 1 \
      using (place(i)):($2 > 1 ? end($2) : 1):4 \
      with labels rotate left offset 0,0.3 font ",8" textcolor rgb "#444444", \
    folder."/networks.dat" index (panel - 1) * count skip 1 \
      using 1:(0.3):xtic(lines(strcol(3))) with dots, \
    1 with lines lc rgb "#222222" lw 1.5
}
unset multiplot
