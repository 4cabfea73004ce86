package libav

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"github.com/Eyevinn/mp4ff/avc"
	"github.com/asticode/go-astiav"

	"weir/pkg/transcode"
)

// hardware is a way to encode H.264 that libav offers besides x264. What it puts
// out is a byte stream with start codes (ITU-T H.264, Annex B), which Weir turns
// into lengths.
type hardware struct {
	kind transcode.Encoder
	// codec is libav's name of the encoder.
	codec string
	// device is what pictures are uploaded to, as surfaces; none where the
	// encoder takes them from memory.
	device  astiav.HardwareDeviceType
	surface astiav.PixelFormat
	// format is that of pictures in memory.
	format astiav.PixelFormat
	// options make an IDR picture of each that is asked for, and no other.
	options [][2]string
}

// allHardware is in the order in which auto tries it.
func allHardware() []hardware {
	none := astiav.HardwareDeviceTypeNone
	return []hardware{
		{
			kind: transcode.EncoderNVENC, codec: "h264_nvenc", device: none, format: astiav.PixelFormatYuv420P,
			options: [][2]string{{"preset", "p4"}, {"rc", "vbr"}, {"forced-idr", "1"}, {"no-scenecut", "1"}, {"delay", "0"}},
		},
		{
			kind: transcode.EncoderQSV, codec: "h264_qsv", device: none, format: astiav.PixelFormatNv12,
			options: [][2]string{{"preset", "veryfast"}, {"forced_idr", "1"}, {"look_ahead", "0"}, {"async_depth", "1"}},
		},
		{
			kind: transcode.EncoderVAAPI, codec: "h264_vaapi", device: astiav.HardwareDeviceTypeVAAPI,
			surface: astiav.PixelFormatVaapi, format: astiav.PixelFormatNv12,
			options: [][2]string{{"rc_mode", "VBR"}, {"async_depth", "1"}},
		},
	}
}

// opener opens the encoder of a rung.
type opener func(transcode.Rung) (*encoder, error)

// chooseEncoder finds the first hardware of the kind that is wished for which
// encodes the rung, by trying it; else it is software.
func chooseEncoder(acc *account, wish transcode.Encoder, r transcode.Rung, c colour, software opener, out *transcode.Writer) (opener, error) {
	if wish == "" || wish == transcode.EncoderSoftware {
		return software, nil
	}
	for _, h := range allHardware() {
		if wish != transcode.EncoderAuto && wish != h.kind {
			continue
		}
		enc, err := openHardware(acc, h, r, c)
		if err == nil {
			enc.close()
			err = out.Write(transcode.Report{Level: slog.LevelInfo, Text: "encoding with " + h.codec})
			return func(r transcode.Rung) (*encoder, error) { return openHardware(acc, h, r, c) }, err
		}
		text := fmt.Sprintf("hardware encoder %s is not available: %v", h.kind, err)
		if err := out.Write(transcode.Report{Level: slog.LevelInfo, Text: text}); err != nil {
			return nil, err
		}
	}
	return software, out.Write(transcode.Report{Level: slog.LevelWarn, Text: "no hardware encoder is available, encoding in software"})
}

// openHardware opens the encoder of a rung in hardware.
func openHardware(acc *account, h hardware, r transcode.Rung, c colour) (enc *encoder, err error) {
	codec := astiav.FindEncoderByName(h.codec)
	if codec == nil {
		return nil, fmt.Errorf("this build of libav has no %s", h.codec)
	}
	enc = &encoder{acc: acc, cc: astiav.AllocCodecContext(codec), annexB: true}
	if enc.cc == nil {
		return nil, errNoMemory
	}
	made := enc // a return of nil takes the name away
	defer func() {
		if err != nil {
			made.close()
		}
	}()
	enc.configure(r, effort{}, c, 1)
	enc.cc.SetPixelFormat(h.format)
	if enc.upload, err = newUpload(acc, h, r); err != nil {
		return nil, err
	}
	if enc.upload != nil && enc.upload.frames != nil {
		enc.cc.SetPixelFormat(h.surface)
		enc.cc.SetHardwareFramesContext(enc.upload.frames)
	}
	options := append(slices.Clone(h.options), [2]string{"profile", r.Profile})
	if err = enc.open(codec, r, options); err != nil {
		return nil, err
	}
	if enc.track.Config, err = avcConfig(enc.cc.ExtraData()); err != nil {
		return nil, fmt.Errorf("open %s: %w", h.codec, err)
	}
	return enc, nil
}

var errNoParameterSets = errors.New("the encoder names no parameter sets")

// avcConfig makes an AVCDecoderConfigurationRecord (ISO/IEC 14496-15, 5.3.3.1) of
// parameter sets with start codes.
func avcConfig(stream []byte) ([]byte, error) {
	var sps, pps [][]byte
	for _, nal := range avc.ExtractNalusFromByteStream(stream) {
		switch avc.GetNaluType(nal[0]) { //nolint:exhaustive // only parameter sets count.
		case avc.NALU_SPS:
			sps = append(sps, nal)
		case avc.NALU_PPS:
			pps = append(pps, nal)
		}
	}
	if len(sps) == 0 || len(pps) == 0 {
		return nil, errNoParameterSets
	}
	record, err := avc.CreateAVCDecConfRec(sps, pps, true)
	if err != nil {
		return nil, fmt.Errorf("make the decoder configuration: %w", err)
	}
	var out sliceWriter
	if err := record.Encode(&out); err != nil {
		return nil, fmt.Errorf("make the decoder configuration: %w", err)
	}
	return out, nil
}

// sliceWriter is the least that record.Encode writes to.
type sliceWriter []byte

func (w *sliceWriter) Write(p []byte) (int, error) {
	*w = append(*w, p...)
	return len(p), nil
}

// lengthPrefixed turns a picture with start codes into NAL units with lengths of
// 4 bytes, without the parameter sets and delimiters that CMAF keeps elsewhere.
func lengthPrefixed(stream []byte) []byte {
	var out []byte
	for _, nal := range avc.ExtractNalusFromByteStream(stream) {
		if len(nal) == 0 {
			continue
		}
		if kind := avc.GetNaluType(nal[0]); kind == avc.NALU_SPS || kind == avc.NALU_PPS || kind == avc.NALU_AUD {
			continue
		}
		n := len(nal)
		out = append(append(out, byte(n>>24), byte(n>>16), byte(n>>8), byte(n)), nal...)
	}
	return out
}
