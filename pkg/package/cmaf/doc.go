// Package cmaf writes the boxes of CMAF (ISO/IEC 23000-19): init segments and
// chunks of one track. Samples go in, bytes come out; nothing is kept.
package cmaf
