// Package libav is the worker's half of package transcode: it decodes a source
// once, scales it, and encodes every rung, or turns audio into AAC-LC. It is
// the only code of Weir that touches native libraries, by way of go-astiav and
// a small cgo file for what that lacks, and it runs in the worker process only.
//
// Messages of the transcode protocol flow in from the gateway, coded access
// units flow out. One goroutine reads, decodes and scales; each rung's encoder
// has one of its own. Every AVFrame and AVPacket has one owner, who frees it.
package libav
