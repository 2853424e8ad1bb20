//! RIFF AVI (<https://learn.microsoft.com/windows/win32/directshow/avi-riff-file-reference>).

use super::structure::{Structure, missing_bytes};

/// The first RIFF chunk holds its size; recorders that were cut off leave 0 or all ones.
pub(super) fn inspect_structure(head: &[u8], length: u64) -> Structure {
    let size = head
        .get(4..8)
        .and_then(|size| size.try_into().ok())
        .map_or(0, u32::from_le_bytes);
    let truncated = match size {
        0 | u32::MAX => None,
        size => missing_bytes("the AVI file", u64::from(size) + 8, length),
    };
    Structure::of_end(truncated)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_beyond_the_end_is_a_cut() {
        let cut = |size: u32| {
            let head = [b"RIFF", size.to_le_bytes().as_slice(), b"AVI "].concat();
            inspect_structure(&head, 100).truncated
        };
        assert_eq!(cut(92), None);
        assert_eq!(
            cut(102).as_deref(),
            Some("the AVI file should go on for 10 more bytes")
        );
        assert_eq!(cut(u32::MAX), None);
    }
}
