// Package gateway is the composition root: it makes the parts of Weir from a
// configuration, connects them, and starts and stops them in order. It is the
// only package that knows them all, and it holds no logic of its own.
package gateway
