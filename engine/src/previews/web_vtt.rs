//! A storyboard's cues as `WebVTT` (<https://www.w3.org/TR/webvtt1/>), whose text is the part of a picture
//! by a media fragment (<https://www.w3.org/TR/media-frags/#naming-space>).

use std::fmt::Write;

use super::Cue;

pub(super) fn write(cues: &[Cue], address: &str) -> String {
    let mut text = String::from("WEBVTT\n");
    for cue in cues {
        let (start, end) = (time(cue.start), time(cue.end));
        let (x, y, width, height) = (cue.x, cue.y, cue.width, cue.height);
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            "\n{start} --> {end}\n{address}#xywh={x},{y},{width},{height}\n"
        );
    }
    text
}

/// `00:01:02.345`
fn time(seconds: f64) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it saturates"
    )]
    let millis = (seconds.max(0.0) * 1000.0).round() as u64;
    let (seconds, millis) = (millis / 1000, millis % 1000);
    let (minutes, seconds) = (seconds / 60, seconds % 60);
    let (hours, minutes) = (minutes / 60, minutes % 60);
    format!("{hours:02}:{minutes:02}:{seconds:02}.{millis:03}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cues_are_written_as_players_read_them() {
        let cue = |start, end, x| Cue {
            start,
            end,
            x,
            y: 90,
            width: 160,
            height: 90,
        };
        let text = write(&[cue(0.0, 59.9996, 0), cue(59.9996, 3661.5, 160)], "s.jpg");
        assert_eq!(
            text,
            "WEBVTT\n\n00:00:00.000 --> 00:01:00.000\ns.jpg#xywh=0,90,160,90\n\n\
             00:01:00.000 --> 01:01:01.500\ns.jpg#xywh=160,90,160,90\n"
        );
    }
}
