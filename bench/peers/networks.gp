# The ratio of whole networks: a cluster a network, a bar a peer, a panel a pass and layout.
# report.py calls it.

heading_text = "Time of each peer over blasconv's, ".what.": above the line blasconv is faster"
load script_folder."/style.gp"
set logscale y
set yrange [0.3:8]
set ytics (0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5, 8)
set style fill solid 1.0 noborder
width = 0.8 / words(peers)
place(i) = $1 + (i - (words(peers) + 1) / 2.0) * width
shown(ratio) = ratio < 8 ? sprintf("%.2f", ratio) : sprintf("%.1f", ratio)
set xrange [-0.6:real(word(networks, 1)) - 0.4]
do for [panel = 1:words(titles)] {
  set title word(titles, panel)
  set key at screen 0.5, 0.05 center horizontal maxrows 2
  if (panel > 1) { unset key; unset label 100; unset label 101 }
  plot for [i = 1:words(peers)] folder."/networks.dat" \
      index (panel - 1) * words(peers) + i - 1 skip 1 \
      using (place(i)):2:(place(i) - 0.46 * width):(place(i) + 0.46 * width):(1):2 \
      with boxxyerror lc rgb colours[i] title word(peers, i), \
    for [i = 1:words(peers)] folder."/networks.dat" \
      index (panel - 1) * words(peers) + i - 1 skip 1 \
      using (place(i)):2:(shown($2)) with labels rotate left offset 0,($2 < 1 ? 0.3 : 0.3) \
      font ",9" textcolor rgb "#444444" notitle, \
    folder."/networks.dat" index (panel - 1) * words(peers) skip 1 \
      using 1:(0.3):xtic(3) with points ps 0 notitle, \
    1 with lines lc rgb "#222222" lw 1.5 notitle
}
unset multiplot
