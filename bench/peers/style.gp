# Of all pictures of the peers: the names of panels and peers, their colours, the text around them.
# `peers` and `titles` are lists of quoted names; panels stand in rows of three.

array colours[8] = ["#0b6e99", "#7fb8d1", "#b8450f", "#f2a33a", "#4f8a3c", "#7a4fa3", "#c23b75", "#555555"]
columns = words(titles) < 3 ? words(titles) : 3
rows = (words(titles) + columns - 1) / columns

set terminal pngcairo size 560 * (columns < 2 ? 2 : columns), 460 * rows + 150 font "DejaVu Sans,12" \
  background rgb "#ffffff"
set output png
heading = 100.0 / (460 * rows + 150)
set label 100 heading_text at screen 0.5,(1 - 0.3 * heading) center font ":Bold,16" textcolor rgb "#222222"
set label 101 machine at screen 0.5,(1 - 0.6 * heading) center noenhanced font ",10" textcolor rgb "#555555"
set border 3 lc rgb "#999999"
set tics nomirror textcolor rgb "#555555"
set grid ytics lc rgb "#e4e4e4" lt 1
set title font ":Bold" textcolor rgb "#333333" noenhanced
set key noenhanced textcolor rgb "#333333"

# The legend is drawn once, below the panels.
set multiplot layout rows, columns margins 0.06, 0.985, 0.16 / (rows + 0.1), 1 - 1.25 * heading \
  spacing 0.05, 0.12
