# GFLOP/s of blasconv over FLOPs a byte (input, weights and output once each), under what the
# machine can do: the peak of multiply-adds and a copy's bandwidth. report.py calls it.

heading_text = "blasconv under the roof: each layer, batch and layout"
load script_folder."/style.gp"
set logscale xy
set xrange [0.3:500]
set yrange [0.5:real(word(peaks, words(peaks))) * 1.6]
set xlabel "FLOPs a byte of the three tensors" textcolor rgb "#555555"
set ylabel "GFLOP/s of the direct algorithm" textcolor rgb "#555555"
set grid xtics ytics lc rgb "#e4e4e4" lt 1
passes = "'forward' 'backward data' 'backward weights'"
do for [panel = 1:words(titles)] {
  set title word(titles, panel)
  set key at screen 0.5, 0.05 center horizontal
  if (panel > 1) { unset key; unset label 100; unset label 101 }
  peak = real(word(peaks, panel))
  copy = real(word(copies, panel))
  plot for [i = 1:3] folder."/roofline.dat" index (panel - 1) * 3 + i - 1 skip 1 \
      using 1:2 with points lc rgb colours[2 * i - 1] pt 7 ps 0.6 title word(passes, i), \
    (x * copy < peak ? x * copy : peak) with lines lc rgb "#222222" lw 2 \
      title (panel == 1 ? "peak and copy, measured" : "")
}
unset multiplot
