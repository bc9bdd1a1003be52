package sandbox

import "testing"

func TestAConversationIsHandedOff(t *testing.T) {
	const handoff, alice = "POST /api/v1/spark/handoff", "User-Principal-Name: alice.martin@example.com"
	const body = `{"message":{"parts":[{"type":"TEXT","text":"My laptop is slow"},{"type":"FILE","mimeType":"image/png","fileContent":"iVBORw0KGgo="}]},"metadata":{"bot":"x"}}`
	part := func(p string) string { return `{"message":{"parts":[` + p + `]}}` }
	check(t, []exchange{
		{name: "whole", request: handoff, headers: alice + "\nTimezone: Europe/Zurich", body: body, status: 204, want: "-"},
		{name: "least", request: handoff, headers: alice, body: part(`{"type":"TEXT","text":"x"}`), status: 204, want: "-"},
		{name: "metadata null", request: handoff, headers: alice, body: `{"metadata":null,"message":{"parts":[{"type":"TEXT","text":"x"}]}}`, status: 204},
		{name: "no employee named", request: handoff, body: body, status: 400, want: "-"},
		{name: "badly named", request: handoff, headers: "User-Principal-Name: alice", body: body, status: 400, want: "-"},
		{name: "unknown employee", request: handoff, headers: "User-Principal-Name: x@example.com", body: body, status: 404, has: []string{`{"message":"no employee`}},
		{name: "no message", request: handoff, headers: alice, body: `{}`, status: 400, want: "-"},
		{name: "no parts", request: handoff, headers: alice, body: part(``), status: 400, want: "-"},
		{name: "empty text", request: handoff, headers: alice, body: part(`{"type":"TEXT","text":""}`), status: 400},
		{name: "no type", request: handoff, headers: alice, body: part(`{"text":"x"}`), status: 400},
		{name: "lower case type", request: handoff, headers: alice, body: part(`{"type":"text","text":"x"}`), status: 400},
		{name: "file without content", request: handoff, headers: alice, body: part(`{"type":"FILE","mimeType":"a/b"}`), status: 400},
		{name: "file with text", request: handoff, headers: alice, body: part(`{"type":"FILE","mimeType":"a/b","fileContent":"","text":"x"}`), status: 400},
	})
}
