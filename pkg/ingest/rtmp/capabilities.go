package rtmp

// What a codec can be used for (FourCcInfoMask) and what the server can do
// (CapsExMask), in the words of Enhanced RTMP v2, "Enhancing NetConnection
// connect Command".
const (
	canDecode  = 1
	canForward = 4

	capsReconnect           = 1
	capsMultitrack          = 2
	capsModEx               = 4
	capsTimestampNanoOffset = 8
)

// reconnects reports whether the encoder says that it follows a request to
// connect again.
func reconnects(asked amfObject) bool {
	caps, _ := asked.get("capsEx").(float64)
	return caps >= 0 && caps < 256 && uint8(caps)&capsReconnect != 0
}

// capabilities says what an encoder may send, to those who ask: older ones get
// the reply that they have always got.
func capabilities(asked amfObject) amfObject {
	if asked.get("fourCcList") == nil && asked.get("videoFourCcInfoMap") == nil && asked.get("capsEx") == nil {
		return nil
	}
	video := amfObject{
		{"avc1", float64(canDecode | canForward)},
		{"hvc1", float64(canDecode | canForward)},
		{"av01", float64(canDecode | canForward)},
	}
	audio := amfObject{
		{"mp4a", float64(canDecode | canForward)},
		{".mp3", float64(canDecode)},
		{"Opus", float64(canDecode)},
		{"fLaC", float64(canDecode)},
		{"ac-3", float64(canDecode)},
	}
	var list []any
	for _, codec := range append(append(amfObject{}, video...), audio...) {
		list = append(list, codec.name)
	}
	return amfObject{
		{"fourCcList", list},
		{"videoFourCcInfoMap", video},
		{"audioFourCcInfoMap", audio},
		{"capsEx", float64(capsMultitrack | capsModEx | capsTimestampNanoOffset)},
	}
}
