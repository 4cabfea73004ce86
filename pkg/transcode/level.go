package transcode

// limit is one row of ITU-T H.264 Table A-1.
type limit struct {
	idc int
	// macroblocksPerSecond is MaxMBPS, macroblocks is MaxFS, decoded is
	// MaxDpbMbs.
	macroblocksPerSecond, macroblocks, decoded int
	// rate and buffer are MaxBR and MaxCPB in units of 1000 bits for the
	// Baseline and Main profiles.
	rate, buffer int
}

// levels returns Table A-1 from level 1 up, without 1b.
func levels() []limit {
	return []limit{
		{10, 1485, 99, 396, 64, 175},
		{11, 3000, 396, 900, 192, 500},
		{12, 6000, 396, 2376, 384, 1000},
		{13, 11880, 396, 2376, 768, 2000},
		{20, 11880, 396, 2376, 2000, 2000},
		{21, 19800, 792, 4752, 4000, 4000},
		{22, 20250, 1620, 8100, 4000, 4000},
		{30, 40500, 1620, 8100, 10000, 10000},
		{31, 108000, 3600, 18000, 14000, 14000},
		{32, 216000, 5120, 20480, 20000, 20000},
		{40, 245760, 8192, 32768, 20000, 25000},
		{41, 245760, 8192, 32768, 50000, 62500},
		{42, 522240, 8704, 34816, 50000, 62500},
		{50, 589824, 22080, 110400, 135000, 135000},
		{51, 983040, 36864, 184320, 240000, 240000},
		{52, 2073600, 36864, 184320, 240000, 240000},
		{60, 4177920, 139264, 696320, 240000, 240000},
		{61, 8355840, 139264, 696320, 480000, 480000},
		{62, 16711680, 139264, 696320, 800000, 800000},
	}
}

// unknownRateForLevel is the frame rate that a level has to bear where the
// source's is irregular.
const unknownRateForLevel = 60

// referenceFrames is what x264's presets up to "medium" keep; a level must
// have room for them in the decoded picture buffer (A.3.1 h).
const referenceFrames = 3

// level returns the level_idc of the lowest level whose limits of Table A-1
// (frame size, macroblocks per second, bit rate and buffer) hold the rung, or
// the highest level of all if none does.
func level(r Rung) int {
	wide, high := (r.Width+15)/16, (r.Height+15)/16
	fps := r.FrameRate.Float()
	if fps == 0 {
		fps = unknownRateForLevel
	}
	// cpbBrVclFactor (Table A-2) is 1250 for High and 1000 for Main.
	factor := 1000
	if r.Profile == profileHigh {
		factor = 1250
	}
	table := levels()
	for _, l := range table {
		fits := wide*high <= l.macroblocks &&
			// A.3.1 f, g: no side is longer than Sqrt(MaxFS * 8).
			wide*wide <= 8*l.macroblocks && high*high <= 8*l.macroblocks &&
			float64(wide*high)*fps <= float64(l.macroblocksPerSecond) &&
			wide*high*referenceFrames <= l.decoded &&
			r.MaxRate <= l.rate*factor && r.BufferSize <= l.buffer*factor
		if fits {
			return l.idc
		}
	}
	return table[len(table)-1].idc
}
