//! Boxes being written.

/// Appends to `out` a box of `kind` with what `body` appends.
///
/// All that is written here is bounded by the sizes of boxes that were read, or by a batch.
pub(super) fn mp4_box(out: &mut Vec<u8>, kind: [u8; 4], body: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend([0; 4]);
    out.extend(kind);
    body(out);
    let len = u32::try_from(out.len() - start).unwrap_or(u32::MAX);
    out[start..start + 4].copy_from_slice(&len.to_be_bytes());
}

/// Appends a box that has a version and flags.
pub(super) fn full_box(
    out: &mut Vec<u8>,
    kind: [u8; 4],
    version: u8,
    flags: u32,
    body: impl FnOnce(&mut Vec<u8>),
) {
    mp4_box(out, kind, |out| {
        put(out, (u32::from(version) << 24) | flags);
        body(out);
    });
}

pub(super) fn put(out: &mut Vec<u8>, value: u32) {
    out.extend(value.to_be_bytes());
}
