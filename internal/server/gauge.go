package server

import "github.com/prometheus/client_golang/prometheus"

// labelled is a figure for each value of a label, read when metrics are asked for.
type labelled struct {
	desc *prometheus.Desc
	read func() map[string]float64
}

// Gauge adds a figure that each tenant has; read returns them by tenant.
func (m *Metrics) Gauge(name, help string, read func() map[string]float64) {
	m.By(name, help, "tenant", read)
}

// By adds a figure for each value of a label; read returns them by value.
func (m *Metrics) By(name, help, label string, read func() map[string]float64) {
	m.Registry.MustRegister(&labelled{prometheus.NewDesc(name, help, []string{label}, nil), read})
}

// Figure adds a figure of the process; read returns it.
func (m *Metrics) Figure(name, help string, read func() float64) {
	m.Registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, read))
}

// Describe names the figure.
func (g *labelled) Describe(to chan<- *prometheus.Desc) { to <- g.desc }

// Collect reads it.
func (g *labelled) Collect(to chan<- prometheus.Metric) {
	for of, value := range g.read() {
		to <- prometheus.MustNewConstMetric(g.desc, prometheus.GaugeValue, value, of)
	}
}
