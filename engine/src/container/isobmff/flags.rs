//! Flags of boxes and samples in fragments (ISO/IEC 14496-12), by the specification's names.

/// Of `tkhd` (8.3.2).
pub(super) const TRACK_ENABLED: u32 = 0x00_0001;

/// Of `tfhd` (8.8.7).
pub(super) const BASE_DATA_OFFSET_PRESENT: u32 = 0x00_0001;
pub(super) const SAMPLE_DESCRIPTION_INDEX_PRESENT: u32 = 0x00_0002;
pub(super) const DEFAULT_SAMPLE_DURATION_PRESENT: u32 = 0x00_0008;
pub(super) const DEFAULT_SAMPLE_SIZE_PRESENT: u32 = 0x00_0010;
pub(super) const DEFAULT_SAMPLE_FLAGS_PRESENT: u32 = 0x00_0020;
pub(super) const DEFAULT_BASE_IS_MOOF: u32 = 0x02_0000;

/// Of `trun` (8.8.8).
pub(super) const DATA_OFFSET_PRESENT: u32 = 0x00_0001;
pub(super) const FIRST_SAMPLE_FLAGS_PRESENT: u32 = 0x00_0004;
pub(super) const SAMPLE_DURATION_PRESENT: u32 = 0x00_0100;
pub(super) const SAMPLE_SIZE_PRESENT: u32 = 0x00_0200;
pub(super) const SAMPLE_FLAGS_PRESENT: u32 = 0x00_0400;
pub(super) const SAMPLE_COMPOSITION_TIME_OFFSETS_PRESENT: u32 = 0x00_0800;

/// Of a sample (8.8.3.1): the values 1 (on others) and 2 (on no other) of `sample_depends_on`.
pub(super) const SAMPLE_DEPENDS_ON_OTHERS: u32 = 1 << 24;
pub(super) const SAMPLE_DEPENDS_ON_NO_OTHER: u32 = 2 << 24;
pub(super) const SAMPLE_IS_NON_SYNC_SAMPLE: u32 = 1 << 16;
