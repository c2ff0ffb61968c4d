# The bar chart of networks.csv: for each network and pass the speed of the naive loops, of blasconv,
# of SGEMM alone, and the peak of the CPU.
#
#   gnuplot -e "csv='out/networks.csv'; png='out/networks.png'" bench/plot.gp
#
# machine.txt, which the benchmark writes beside the CSV file, gives the line under the title.

folder = system("dirname '".csv."'")
machine = system("cat '".folder."/machine.txt' 2>/dev/null")

# Of several batches and numbers of threads the largest is drawn.
set datafile separator comma
stats csv skip 1 using 3:4 nooutput
batch = int(STATS_max_x)
threads = int(STATS_max_y)

# One row a cluster of bars: position, network, pass, then the four speeds in GFLOP/s. The clusters
# of one network stand together.
x = 0.0
last = ""
position(network) = (x = x + (network eq last ? 1.0 : 1.35), last = network, x)
chosen(algorithm, b, t) = algorithm eq "all" && b == batch && t == threads
set table $clusters
plot csv skip 1 using (chosen(strcol(5), $3, $4) ? position(strcol(1)) : 0): \
  (strcol(1)):(strcol(2)):($9 * $6 / $7):9:($9 * $6 / $8):($9 / $11) \
  with table if (chosen(strcol(5), $3, $4))
unset table
set datafile separator whitespace
stats $clusters using 1:4 nooutput
right = STATS_max_x
slowest = STATS_min_y
stats $clusters using 6:7 nooutput
fastest = STATS_max_x > STATS_max_y ? STATS_max_x : STATS_max_y
stats $clusters using 5 nooutput # ours: with fewer multiplications, above the peak
fastest = STATS_max > fastest ? STATS_max : fastest

set terminal pngcairo size 1600,900 font "DejaVu Sans,13" background rgb "#ffffff"
set output png
set tmargin 5
set label 100 sprintf("Convolution layers, batch %d, %d %s", batch, threads, \
  threads > 1 ? "threads" : "thread") at screen 0.5,0.962 center font ":Bold,18" textcolor rgb "#222222"
set label 101 machine at screen 0.5,0.922 center noenhanced font ",12" textcolor rgb "#555555"
set key at screen 0.5, 0.045 center horizontal Left reverse samplen 1.2 width 1 \
  textcolor rgb "#333333"
set logscale y
set yrange [slowest * 0.5:fastest * 1.6]
set xrange [0.7:right + 0.65]
set ylabel "GFLOP/s of the direct algorithm, logarithmic" textcolor rgb "#555555"
set ytics (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000) nomirror
set xtics scale 0 nomirror font ",10" textcolor rgb "#555555"
set grid ytics lc rgb "#e4e4e4" lt 1
set border 3 lc rgb "#999999"
set bmargin 7.5

# The name of a network under the middle of its clusters.
count = 0
network = ""
do for [i = 1:|$clusters|] {
  if (word($clusters[i], 2) ne network) {
    network = word($clusters[i], 2)
    left = real(word($clusters[i], 1))
    count = count + 1
  }
  set label count network at (left + real(word($clusters[i], 1))) / 2, graph -0.105 center \
    noenhanced font ",15" textcolor rgb "#222222"
}

# Bars side by side, each with its number on top.
width = 0.22
bar(i) = $1 + (i - 1.5) * width
number(speed) = sprintf(speed < 9.95 ? "%.1f" : "%.0f", speed)
tick(pass) = pass eq "forward" ? "forward" : "backward\n".pass[10:]
array colours[4] = ["#b3b3b3", "#0b6e99", "#f2a33a", "#d9d2c3"]
array titles[4] = ["naive loops", "blasconv", "SGEMM alone", "peak of the CPU"]
set boxwidth width * 0.94
set style fill solid 1.0 noborder
plot for [i = 1:4] $clusters using (bar(i - 1)):(column(3 + i)) with boxes \
       lc rgb colours[i] title titles[i], \
     for [i = 1:4] $clusters using (bar(i - 1)):(column(3 + i)):(number(column(3 + i))) \
       with labels font ",9" offset 0,0.45 textcolor rgb "#444444" notitle, \
     $clusters using 1:7:(""):xtic(tick(strcol(3))) with labels notitle
