// Package steady holds the real binary to its answers while things go wrong around it. It is black box: a journal of every answer that was
// acknowledged, a model that asks afterwards, and a checker that is itself tested with planted faults.
//
// A wrong answer is a revoked token that passes, or a valid token or credential that gets an OAuth refusal. A 503, a server that does not
// start, or a connection that ends are no wrong answers: whoever calls knows that nothing was decided.
//
// A disk that fails is one whose system calls strace answers.
//
// make test runs a bounded sample, make soak ($TOKENBOOTH_SOAK) the long one.
package steady
