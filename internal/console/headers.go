package console

import "net/http"

// policy lets a page use what is ours and nothing else; there is no inline script or style anywhere, so none is allowed. data: is for the
// picture of a one-time code's key, which must not have an address of its own.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; " +
	"frame-ancestors 'none'; base-uri 'none'; report-uri /csp-report"

// guardHeaders sets what every answer carries. Pages are not kept by anybody; static files say otherwise.
func guardHeaders(h http.Header, overTLS bool) {
	h.Set("Content-Security-Policy", policy)
	if overTLS { // report-to is what browsers look at first, and then do not use without TLS: without it, report-uri must stand alone
		h.Set("Content-Security-Policy", policy+"; report-to csp")
		h.Set("Reporting-Endpoints", `csp="/csp-report"`)
	}
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
	h.Set("Cache-Control", "no-store")
	if overTLS {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
}
