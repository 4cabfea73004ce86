package libav

/*
#cgo pkg-config: libavutil
#include <stddef.h>
#include <libavutil/frame.h>
#include <libavutil/rational.h>

// Gives dst the properties of src, side data such as captions among them, as a
// picture for an encoder: square pixels, and no type, as libx264 obeys it.
static int weir_frame_props(AVFrame *dst, const AVFrame *src) {
	if (dst != src) {
		av_frame_side_data_free(&dst->side_data, &dst->nb_side_data);
		av_dict_free(&dst->metadata);
		int ret = av_frame_copy_props(dst, src);
		if (ret < 0)
			return ret;
	}
	dst->sample_aspect_ratio = (AVRational){1, 1};
	dst->pict_type = AV_PICTURE_TYPE_NONE;
	dst->flags &= ~(AV_FRAME_FLAG_KEY | AV_FRAME_FLAG_INTERLACED | AV_FRAME_FLAG_TOP_FIELD_FIRST);
	return 0;
}

static int weir_frame_interlaced(const AVFrame *frame) {
	return frame->flags & AV_FRAME_FLAG_INTERLACED;
}

// Makes frame, which is interlaced, refer to the lines of its first field.
static void weir_frame_field(AVFrame *frame) {
	int bottom = !(frame->flags & AV_FRAME_FLAG_TOP_FIELD_FIRST);
	for (int i = 0; i < 4 && frame->data[i]; i++) {
		frame->data[i] += bottom * (ptrdiff_t)frame->linesize[i];
		frame->linesize[i] *= 2;
	}
	frame->height /= 2;
	if (!frame->sample_aspect_ratio.num)
		frame->sample_aspect_ratio = (AVRational){1, 1};
	frame->sample_aspect_ratio = av_mul_q(frame->sample_aspect_ratio, (AVRational){1, 2});
}

// Makes window refer to the part of the 4:2:0 picture dst at the even x, y.
static int weir_frame_window(AVFrame *window, const AVFrame *dst, int x, int y, int w, int h) {
	int ret = av_frame_ref(window, dst);
	if (ret < 0)
		return ret;
	window->data[0] += (ptrdiff_t)y * window->linesize[0] + x;
	for (int i = 1; i < 3; i++)
		window->data[i] += (ptrdiff_t)(y / 2) * window->linesize[i] + x / 2;
	window->width = w;
	window->height = h;
	return 0;
}
*/
import "C"

import "github.com/asticode/go-astiav"

// What go-astiav 0.39 lacks: it has no av_frame_copy_props, and it cannot scale
// into a part of a picture.

// native is the error of a libav return code, nil from 0 up.
func native(ret C.int) error {
	if ret >= 0 {
		return nil
	}
	return astiav.Error(ret)
}

// copyProperties gives dst all of src but the picture, with square pixels and
// without a picture type. dst and src may be the same.
func copyProperties(dst, src *astiav.Frame) error {
	return native(C.weir_frame_props((*C.AVFrame)(dst.UnsafePointer()), (*C.AVFrame)(src.UnsafePointer())))
}

// openWindow makes the empty frame window a reference to the w×h samples of
// the 4:2:0 picture dst from the even place x, y on.
func openWindow(window, dst *astiav.Frame, x, y, w, h int) error {
	return native(C.weir_frame_window((*C.AVFrame)(window.UnsafePointer()), (*C.AVFrame)(dst.UnsafePointer()), C.int(x), C.int(y), C.int(w), C.int(h)))
}

// deinterlace makes an interlaced frame that of its first field, whose pixels
// are half as wide for their height: what moves would look like a comb.
func deinterlace(f *astiav.Frame) {
	if c := (*C.AVFrame)(f.UnsafePointer()); C.weir_frame_interlaced(c) != 0 {
		C.weir_frame_field(c)
	}
}
