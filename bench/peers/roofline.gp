# GFLOP/s of blasconv over FLOPs a byte (input, weights and output once each), under what the
# machine can do: the peak of multiply-adds and a copy's bandwidth; a panel a number of threads.

heading = "Each layer under the roof: the peak, and a copy's bandwidth"
load script_folder."/style.gp"
set logscale xy
set xrange [0.3:500]
set yrange [0.5:real(word(peaks, words(peaks))) * 4]
set xlabel "FLOPs a byte of the three tensors" textcolor rgb "#555555"
set ylabel "GFLOP/s of blasconv" textcolor rgb "#555555" offset 1,0
set grid xtics ytics lc rgb "#e4e4e4" lt 1
count = words(legend)
do for [panel = 1:words(titles)] {
  set title word(titles, panel)
  peak = real(word(peaks, panel))
  copy = real(word(copies, panel))
  plot for [i = 1:count] folder."/roofline.dat" index (panel - 1) * count + i - 1 skip 1 \
      using 1:2 with points lc rgb colours[i] pt 7 ps 0.6, \
    (x * copy < peak ? x * copy : peak) with lines lc rgb "#222222" lw 2
}
unset multiplot
