//! Where a JPEG ends: ITU-T T.81, annex B.

use super::Found;

const START: u8 = 0xd8;
const END: u8 = 0xd9;
const SCAN: u8 = 0xda;

/// A walk from marker to marker. Segments are skipped by their length, as an end marker may
/// well occur within a comment or an application's data.
#[derive(Debug, Default)]
pub(super) struct Walk {
    at: usize,
    in_scan: bool,
}

impl Walk {
    pub(super) fn on(&mut self, bytes: &[u8]) -> Found {
        loop {
            if self.in_scan {
                let rest = bytes.get(self.at..).unwrap_or_default();
                let Some(next) = rest.iter().position(|&byte| byte == 0xff) else {
                    self.at = self.at.max(bytes.len());
                    return Found::More;
                };
                self.at += next;
            }
            let Some(&[mark, marker]) = bytes.get(self.at..self.at + 2) else {
                return Found::More;
            };
            if mark != 0xff || (self.at == 0 && marker != START) {
                return Found::Garbage;
            }
            match marker {
                // A fill byte before the marker itself.
                0xff => self.at += 1,
                // A stuffed zero or a restart: the scan goes on.
                0 | 0xd0..=0xd7 if self.in_scan => self.at += 2,
                0 => return Found::Garbage,
                0x01 | START | 0xd0..=0xd7 => self.at += 2,
                END => return Found::End(self.at + 2),
                _ => {
                    let Some(&[high, low]) = bytes.get(self.at + 2..self.at + 4) else {
                        return Found::More;
                    };
                    let length = usize::from(u16::from_be_bytes([high, low]));
                    if length < 2 {
                        return Found::Garbage;
                    }
                    self.at += 2 + length;
                    self.in_scan = marker == SCAN;
                }
            }
        }
    }
}
