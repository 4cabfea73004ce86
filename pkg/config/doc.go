// Package config is the gateway's configuration: one struct, one function
// that gives the defaults, one that reports every mistake at once.
//
// Values flow in from a YAML file, the environment and the command line, each
// overriding the one before; a Config flows out. The struct's tags are the only
// list of keys: file keys, variables, flags and the check for unknown keys are
// all made from it.
package config
