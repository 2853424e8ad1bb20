//! Where decoding can start.

/// How decoding can start at a sample, called after H.264's and HEVC's names for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RandomAccess {
    /// As at an IDR picture: nothing before it matters, also to a decoder that has just decoded
    /// something else.
    Idr,
    /// As at a clean random access picture (CRA): nothing before it matters to a decoder that is
    /// told of the broken link.
    Cra,
    /// As at a recovery point: nothing before it matters to a decoder that is new, and shows what
    /// it decodes before it trusts it.
    RecoveryPoint,
    /// Frames after it may depend on what comes before it.
    None,
}
