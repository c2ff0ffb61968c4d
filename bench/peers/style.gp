# Of all pictures of the peers: their size, and the text around the panels, which stand in rows of
# three. `titles`, of panels, and `legend` are lists of quoted names; the legend's have the colours.

array colours[8] = ["#0b6e99", "#7fb8d1", "#b8450f", "#f2a33a", "#4f8a3c", "#7a4fa3", "#c23b75", "#555555"]
columns = words(titles) < 3 ? words(titles) : 3
rows = (words(titles) + columns - 1) / columns
width = 500 * (columns < 2 ? 2 : columns)
height = 420 * rows + 230.0
legend_columns = columns < 3 ? 3 : 5

set terminal pngcairo size width,height font "DejaVu Sans,12" background rgb "#ffffff"
set output png
set border 3 lc rgb "#999999"
set tics nomirror textcolor rgb "#555555"
set grid ytics lc rgb "#e4e4e4" lt 1
set title font ":Bold" textcolor rgb "#333333" noenhanced
unset key
set label 100 heading at screen 0.5,(1 - 26 / height) center font ":Bold,16" textcolor rgb "#222222"
set label 101 machine at screen 0.5,(1 - 54 / height) center noenhanced font ",10" \
  textcolor rgb "#555555"
do for [i = 1:words(legend)] {
  set label 200 + i "● ".word(legend, i) noenhanced textcolor rgb colours[i] \
    at screen (0.06 + 0.92 / legend_columns * ((i - 1) % legend_columns)), \
       ((66 - 24 * ((i - 1) / legend_columns)) / height)
}
set multiplot layout rows, columns \
  margins 75.0 / width, 1 - 30.0 / width, 135 / height, 1 - 120 / height \
  spacing 85.0 / width, 115 / height
