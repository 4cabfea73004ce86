// Which settings suit a creator's uplink. Pure: tested in obs.test.ts.

export type Motion = 'calm' | 'fast'

export interface Format {
  name: string
  width: number
  height: number
  fps: number
  // Video bitrate in kb/s: below least it looks bad, above most it gains little.
  least: number
  most: number
}

// The best first. Fast pictures have 60 frames a second where there is room.
const formats: Format[] = [
  { name: '1080p60', width: 1920, height: 1080, fps: 60, least: 6000, most: 9000 },
  { name: '1080p30', width: 1920, height: 1080, fps: 30, least: 4000, most: 6000 },
  { name: '720p60', width: 1280, height: 720, fps: 60, least: 3300, most: 5000 },
  { name: '720p30', width: 1280, height: 720, fps: 30, least: 1800, most: 3500 },
  { name: '480p30', width: 854, height: 480, fps: 30, least: 800, most: 1800 },
  { name: '360p30', width: 640, height: 360, fps: 30, least: 400, most: 900 },
]

export const audioBitrate = 160
// What may be used of an uplink: the rest is for its bad moments.
const usable = 2 / 3

export interface Advice {
  format: Format
  // Video bitrate in kb/s.
  bitrate: number
  // True where even the smallest format is more than the uplink should carry.
  tight: boolean
}

// advise chooses for an uplink of so many Mb/s.
export function advise(uplink: number, motion: Motion): Advice {
  const budget = Math.floor((uplink * 1000 * usable - audioBitrate) / 100) * 100
  const wanted = formats.filter((f) => motion === 'fast' || f.fps === 30)
  const fits = wanted.find((f) => f.least <= budget)
  const format = fits ?? (wanted.at(-1) as Format)
  return { format, bitrate: Math.max(format.least, Math.min(format.most, budget)), tight: !fits }
}

export const encoders = [
  ['nvenc', 'NVIDIA'],
  ['amf', 'AMD'],
  ['qsv', 'Intel'],
  ['apple', 'Apple'],
  ['x264', 'CPU (x264)'],
] as const

export type Encoder = (typeof encoders)[number][0]

// Of each: where it is in OBS, what it is called, its value, and why.
export interface Setting {
  where: string
  name: string
  value: string
  why?: string
}

const own: Record<Encoder, [name: string, value: string][]> = {
  nvenc: [
    ['Video Encoder', 'NVIDIA NVENC H.264'],
    ['Preset', 'P5: Slow (Good Quality)'],
    ['Tuning', 'High Quality'],
    ['Multipass Mode', 'Two Passes (Quarter Resolution)'],
    ['Profile', 'high'],
    ['B-Frames', '2'],
  ],
  amf: [
    ['Video Encoder', 'AMD HW H.264 (AVC)'],
    ['Preset', 'Quality'],
    ['Profile', 'high'],
  ],
  qsv: [
    ['Video Encoder', 'QuickSync H.264'],
    ['Target Usage', 'TU4: Balanced'],
    ['Profile', 'high'],
  ],
  apple: [
    ['Video Encoder', 'Apple VT H264 Hardware Encoder'],
    ['Profile', 'high'],
  ],
  x264: [
    ['Video Encoder', 'x264'],
    ['CPU Usage Preset', 'veryfast'],
    ['Profile', 'high'],
    ['Tune', '(none)'],
  ],
}

export function settings(advice: Advice, encoder: Encoder): Setting[] {
  const output = 'Output → Streaming'
  const { format } = advice
  const [first, ...rest] = own[encoder].map(([name, value]) => ({ where: output, name, value }))
  return [
    ...(first ? [first] : []),
    { where: output, name: 'Rate Control', value: 'CBR', why: 'viewers’ buffers expect a steady rate' },
    { where: output, name: 'Bitrate', value: `${advice.bitrate} Kbps` },
    { where: output, name: 'Keyframe Interval', value: '2 s', why: 'Weir cuts at keyframes; 0 means “auto”, which is too long' },
    ...rest,
    { where: 'Output → Audio', name: 'Audio Bitrate', value: String(audioBitrate) },
    { where: 'Video', name: 'Output Resolution', value: `${format.width}×${format.height}` },
    { where: 'Video', name: 'FPS', value: String(format.fps) },
    { where: 'Audio', name: 'Sample Rate', value: '48 kHz' },
    { where: 'Audio', name: 'Channels', value: 'Stereo' },
    { where: 'Advanced', name: 'Color', value: 'NV12, Rec. 709, Limited' },
  ]
}
