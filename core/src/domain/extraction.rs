//! An *extraction*: what is asked of the frame extractor, how far it is, and what it gave.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::de::value::StrDeserializer;
use serde::de::{DeserializeOwned, IntoDeserializer};
use serde::{Deserialize, Serialize};

use super::is_default;

/// Which frame stands for a moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// The frame that is shown then.
    #[default]
    Exact,
    /// The keyframe at or before it: much cheaper to get at.
    Keyframe,
}

impl Mode {
    /// The mode of this name.
    ///
    /// # Errors
    /// A sentence that says which there are.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text {
            "exact" => Ok(Self::Exact),
            "keyframe" => Ok(Self::Keyframe),
            _ => Err("mode is exact or keyframe".to_owned()),
        }
    }
}

/// How a frame is stored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// JPEG.
    #[default]
    Jpg,
    /// PNG, lossless.
    Png,
}

/// What becomes of samples that are not square.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Samples {
    /// Stretched, as a player shows them.
    #[default]
    Square,
    /// Left as they are coded.
    AsIs,
}

/// What becomes of high dynamic range.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Hdr {
    /// Mapped to an ordinary screen.
    #[default]
    ToneMap,
    /// Kept, in PNGs of 16 bits.
    Keep,
}

/// What else may be asked of the pictures. What is not said is as the engine has it by default, and
/// then stands in no message and no record.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PictureOptions {
    /// How a frame is stored.
    #[serde(default, skip_serializing_if = "is_default")]
    pub format: Format,
    /// Whether a frame on screen at several moments is stored for each of them.
    #[serde(default, skip_serializing_if = "is_default")]
    pub repeat: bool,
    /// Which of the video's tracks, from 1; without it the one that the file has shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub track: Option<u32>,
    /// What becomes of samples that are not square.
    #[serde(default, skip_serializing_if = "is_default")]
    pub samples: Samples,
    /// What becomes of high dynamic range.
    #[serde(default, skip_serializing_if = "is_default")]
    pub hdr: Hdr,
    /// Whether a damaged video fails, instead of giving the frames that it has and a warning.
    #[serde(default, skip_serializing_if = "is_default")]
    pub strict: bool,
}

impl PictureOptions {
    /// The options among a form's fields, and [checked](Self::check).
    ///
    /// # Errors
    /// A sentence that says which value is none.
    pub fn from_fields(fields: &BTreeMap<String, String>) -> Result<Self, String> {
        let options = Self {
            format: word(fields, "format", "jpg or png")?,
            repeat: flag(fields, "repeat")?,
            track: match fields.get("track") {
                Some(text) => Some(text.parse().map_err(|_| "track is a number from 1")?),
                None => None,
            },
            samples: word(fields, "samples", "square or as-is")?,
            hdr: word(fields, "hdr", "tone-map or keep")?,
            strict: flag(fields, "strict")?,
        };
        options.check()?;
        Ok(options)
    }

    /// Whether the options make sense together.
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub fn check(&self) -> Result<(), String> {
        if self.track == Some(0) {
            return Err("track is a number from 1".to_owned());
        }
        if self.hdr == Hdr::Keep && self.format != Format::Png {
            return Err("hdr keep needs format png".to_owned());
        }
        Ok(())
    }
}

/// The word that stands in the field `name`, as serde reads it.
fn word<T: DeserializeOwned + Default>(
    fields: &BTreeMap<String, String>,
    name: &str,
    choices: &str,
) -> Result<T, String> {
    let Some(text) = fields.get(name) else {
        return Ok(T::default());
    };
    let word: StrDeserializer<'_, serde::de::value::Error> = text.as_str().into_deserializer();
    T::deserialize(word).map_err(|_| format!("{name} is {choices}"))
}

fn flag(fields: &BTreeMap<String, String>, name: &str) -> Result<bool, String> {
    match fields.get(name).map(String::as_str) {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(format!("{name} is true or false")),
    }
}

/// What is to be extracted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtractionRequest {
    /// The video's key.
    pub key: String,
    /// The entity tag that the video must have while it is read.
    pub etag: String,
    /// The zip's key.
    pub zip_key: String,
    /// The interval between frames, in milliseconds.
    pub every_ms: u64,
    /// Which frame stands for a moment.
    pub mode: Mode,
    /// What else is asked of the pictures.
    pub pictures: PictureOptions,
    /// The time that the zip's entries carry, so that the same job gives the same bytes.
    pub modified: DateTime<Utc>,
}

/// How far an extraction is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Share of the video's time that is done, 0 to 100; `None` while unknown.
    pub percent: Option<u8>,
    /// Frames so far.
    pub frames: u64,
}

/// What an extraction gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extraction {
    /// How many frames are in the zip.
    pub frames: u64,
    /// Length of the zip, in bytes.
    pub zip_bytes: u64,
    /// What its user should know of it: that the video is damaged, and how.
    pub warning: Option<String>,
    /// Whether a poster and a storyboard were stored beside the zip.
    pub previews: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(fields: &[(&str, &str)]) -> Result<PictureOptions, String> {
        let fields = fields.iter().map(|&(k, v)| (k.to_owned(), v.to_owned()));
        PictureOptions::from_fields(&fields.collect())
    }

    #[test]
    fn a_forms_fields_say_what_json_says() {
        let given = [
            ("format", "png"),
            ("repeat", "true"),
            ("track", "2"),
            ("samples", "as-is"),
            ("hdr", "keep"),
            ("strict", "true"),
            ("every", "1s"),
        ];
        let json = r#"{"format":"png","repeat":true,"track":2,"samples":"as-is","hdr":"keep","strict":true}"#;
        let expected: PictureOptions = serde_json::from_str(json).expect("options");
        assert_eq!(fields(&given), Ok(expected.clone()));
        assert_eq!(serde_json::to_string(&expected).expect("JSON"), json);
        assert_eq!(fields(&[]), Ok(PictureOptions::default()));
    }

    #[test]
    fn what_is_no_option_is_refused() {
        for wrong in [
            ("format", "gif"),
            ("repeat", "yes"),
            ("track", "0"),
            ("track", "one"),
            ("samples", "AsIs"),
            ("hdr", ""),
            ("hdr", "keep"),
            ("strict", "1"),
        ] {
            assert!(fields(&[wrong]).is_err(), "{wrong:?}");
        }
    }
}
