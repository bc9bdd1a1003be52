package server

import "github.com/prometheus/client_golang/prometheus"

// byTenant is a figure that each tenant has, read when metrics are asked for.
type byTenant struct {
	desc *prometheus.Desc
	read func() map[string]float64
}

// Gauge adds a figure that each tenant has; read returns them by tenant.
func (m *Metrics) Gauge(name, help string, read func() map[string]float64) {
	m.Registry.MustRegister(&byTenant{prometheus.NewDesc(name, help, []string{"tenant"}, nil), read})
}

// Figure adds a figure of the process; read returns it.
func (m *Metrics) Figure(name, help string, read func() float64) {
	m.Registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, read))
}

// Describe names the figure.
func (g *byTenant) Describe(to chan<- *prometheus.Desc) { to <- g.desc }

// Collect reads it.
func (g *byTenant) Collect(to chan<- prometheus.Metric) {
	for tenant, value := range g.read() {
		to <- prometheus.MustNewConstMetric(g.desc, prometheus.GaugeValue, value, tenant)
	}
}
