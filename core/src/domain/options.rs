//! The *options* of an extraction: one type for the job's message, the record and the API.
//!
//! What is said by people (`"every": "500ms"`) and what is stored (`"every_ms": 500`) are both read, so
//! that the options that a record tells can be sent back as they are. What is as the engine has it by
//! default stands in no message and no record.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{every, is_default};

/// Which frame stands for a moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// The frame that is shown then.
    #[default]
    Exact,
    /// The keyframe at or before it: much cheaper to get at.
    Keyframe,
}

/// How a frame is stored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// JPEG.
    #[default]
    Jpg,
    /// PNG, lossless.
    Png,
    /// WebP, smaller than JPEG and slower.
    Webp,
}

/// What becomes of samples that are not square.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Hdr {
    /// Mapped to an ordinary screen.
    #[default]
    ToneMap,
    /// Kept, in PNGs of 16 bits.
    Keep,
}

/// What may be asked of an extraction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "GivenOptions")]
pub struct ExtractionOptions {
    /// The interval between frames, in milliseconds.
    pub every_ms: u64,
    /// Which frame stands for a moment.
    pub mode: Mode,
    /// How a frame is stored.
    #[serde(skip_serializing_if = "is_default")]
    pub format: Format,
    /// JPEG's quality, from 2 (best) to 31; without it that of the operator.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quality: Option<u8>,
    /// The width in pixels to scale down to; a narrower video stays as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// The first moment, in milliseconds on the player's clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_ms: Option<u64>,
    /// Where the moments end, itself none, in milliseconds on the player's clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to_ms: Option<u64>,
    /// Whether a frame on screen at several moments is stored for each of them.
    #[serde(skip_serializing_if = "is_default")]
    pub repeat: bool,
    /// Which of the video's tracks, from 1; without it the one that the file has shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub track: Option<u32>,
    /// What becomes of samples that are not square.
    #[serde(skip_serializing_if = "is_default")]
    pub samples: Samples,
    /// What becomes of high dynamic range.
    #[serde(skip_serializing_if = "is_default")]
    pub hdr: Hdr,
    /// Whether a damaged video fails, instead of giving the frames that it has and a warning.
    #[serde(skip_serializing_if = "is_default")]
    pub strict: bool,
}

impl Default for ExtractionOptions {
    fn default() -> Self {
        Self {
            every_ms: every::DEFAULT_MS,
            mode: Mode::default(),
            format: Format::default(),
            quality: None,
            width: None,
            from_ms: None,
            to_ms: None,
            repeat: false,
            track: None,
            samples: Samples::default(),
            hdr: Hdr::default(),
            strict: false,
        }
    }
}

impl ExtractionOptions {
    /// These options, but for what is given.
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub fn with(self, given: GivenOptions) -> Result<Self, String> {
        let options = Self {
            every_ms: one_of("every", given.every, given.every_ms)?.unwrap_or(self.every_ms),
            mode: given.mode.unwrap_or(self.mode),
            format: given.format.unwrap_or(self.format),
            quality: given.quality.or(self.quality),
            width: given.width.or(self.width),
            from_ms: one_of("from", given.from, given.from_ms)?.or(self.from_ms),
            to_ms: one_of("to", given.to, given.to_ms)?.or(self.to_ms),
            repeat: given.repeat.unwrap_or(self.repeat),
            track: given.track.or(self.track),
            samples: given.samples.unwrap_or(self.samples),
            hdr: given.hdr.unwrap_or(self.hdr),
            strict: given.strict.unwrap_or(self.strict),
        };
        options.check()?;
        Ok(options)
    }

    /// Whether the options make sense, alone and together.
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub fn check(&self) -> Result<(), String> {
        every::check_ms(self.every_ms)?;
        let outside = |value: u32, least, most| !(least..=most).contains(&value);
        if self
            .quality
            .is_some_and(|quality| outside(quality.into(), 2, 31))
        {
            return Err("quality is from 2 (best) to 31".to_owned());
        }
        if self.width.is_some_and(|width| outside(width, 16, 16_384)) {
            return Err("width is from 16 to 16384 pixels".to_owned());
        }
        if self.track == Some(0) {
            return Err("track is a number from 1".to_owned());
        }
        if self.hdr == Hdr::Keep && self.format != Format::Png {
            return Err("hdr keep needs format png".to_owned());
        }
        let first = self.from_ms.unwrap_or_default();
        if self.to_ms.is_some_and(|end| end <= first) {
            return Err("to must lie after from".to_owned());
        }
        Ok(())
    }

    /// The first moment that is asked for.
    #[must_use]
    pub fn from(&self) -> Option<Duration> {
        self.from_ms.map(Duration::from_millis)
    }

    /// Where the moments end.
    #[must_use]
    pub fn to(&self) -> Option<Duration> {
        self.to_ms.map(Duration::from_millis)
    }
}

/// What a body, a form or a message says of an extraction; what it does not say is as it was.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(rename = "Options")
)]
#[serde(default)]
pub struct GivenOptions {
    /// The interval between frames, 1 ms to 24 h: `"1s"`, `"500ms"`, `"2m"`, or a number of seconds. One
    /// second unless told.
    every: Option<Interval>,
    /// The same in milliseconds, as a record tells it.
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 86_400_000)))]
    every_ms: Option<u64>,
    /// Which frame stands for a moment.
    mode: Option<Mode>,
    /// How a frame is stored.
    format: Option<Format>,
    /// JPEG's quality, from 2 (best) to 31 (smallest).
    #[cfg_attr(feature = "schema", schemars(range(min = 2, max = 31)))]
    quality: Option<u8>,
    /// The width in pixels to scale down to; a narrower video stays as it is.
    #[cfg_attr(feature = "schema", schemars(range(min = 16, max = 16_384)))]
    width: Option<u32>,
    /// The first moment, on the player's clock: `"10s"`, or a number of seconds.
    from: Option<Moment>,
    /// The same in milliseconds.
    from_ms: Option<u64>,
    /// Where the moments end, itself none, on the player's clock: `"1m"`, or a number of seconds.
    to: Option<Moment>,
    /// The same in milliseconds.
    to_ms: Option<u64>,
    /// Whether a frame on screen at several moments is stored for each of them.
    repeat: Option<bool>,
    /// Which of the video's tracks, from 1; the one that the file has shown unless told.
    #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
    track: Option<u32>,
    /// What becomes of samples that are not square.
    samples: Option<Samples>,
    /// What becomes of high dynamic range; kept in PNG only.
    hdr: Option<Hdr>,
    /// Whether a damaged video fails, instead of giving the frames that it has and a warning.
    strict: Option<bool>,
}

impl TryFrom<GivenOptions> for ExtractionOptions {
    type Error = String;

    fn try_from(given: GivenOptions) -> Result<Self, String> {
        Self::default().with(given)
    }
}

/// A time that may be said in two ways, in milliseconds.
fn one_of<T: Into<u64>>(
    name: &str,
    said: Option<T>,
    milliseconds: Option<u64>,
) -> Result<Option<u64>, String> {
    match (said, milliseconds) {
        (Some(_), Some(_)) => Err(format!("say {name} or {name}_ms, not both")),
        (said, milliseconds) => Ok(said.map(Into::into).or(milliseconds)),
    }
}

/// A distance between two moments, as people write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
struct Interval(#[serde(deserialize_with = "every::deserialize")] u64);

/// A place on the player's clock, as people write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
struct Moment(#[serde(deserialize_with = "every::deserialize_moment")] u64);

impl From<Interval> for u64 {
    fn from(Interval(ms): Interval) -> Self {
        ms
    }
}

impl From<Moment> for u64 {
    fn from(Moment(ms): Moment) -> Self {
        ms
    }
}

#[cfg(feature = "schema")]
mod schema {
    use std::borrow::Cow;

    use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

    use super::{Interval, Moment};

    /// A text such as `500ms`, or seconds.
    fn time(description: &str) -> Schema {
        json_schema!({
            "description": description,
            "anyOf": [
                { "type": "string", "pattern": r"^ *([0-9]+\.?[0-9]*|\.[0-9]+) *(ms|s|m|min|h)? *$" },
                { "type": "number", "minimum": 0, "maximum": 86_400 },
            ],
        })
    }

    impl JsonSchema for Interval {
        fn schema_name() -> Cow<'static, str> {
            "Interval".into()
        }

        fn json_schema(_: &mut SchemaGenerator) -> Schema {
            time("A time such as `1s`, `500ms`, `2m`, or a number of seconds; 1 ms to 24 h.")
        }
    }

    impl JsonSchema for Moment {
        fn schema_name() -> Cow<'static, str> {
            "Moment".into()
        }

        fn json_schema(_: &mut SchemaGenerator) -> Schema {
            time(
                "A place on the player's clock such as `10s`, `1m`, or a number of seconds; up to 24 h.",
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use lambda_anywhere::fields::Fields;

    use super::*;
    use crate::Error;

    fn of_form(fields: &[(&str, &str)]) -> Result<ExtractionOptions, Error> {
        let fields = fields.iter().map(|&(k, v)| (k.to_owned(), v.to_owned()));
        Fields::of_form(&fields.collect::<BTreeMap<_, _>>()).read()
    }

    #[test]
    fn a_form_says_what_json_says() {
        let given = [
            ("every", "0.5s"),
            ("mode", "keyframe"),
            ("format", "png"),
            ("quality", "5"),
            ("width", "640"),
            ("from", "10s"),
            ("to", "1m"),
            ("repeat", "true"),
            ("track", "2"),
            ("samples", "as-is"),
            ("hdr", "keep"),
            ("strict", "true"),
        ];
        let stored = r#"{"every_ms":500,"mode":"keyframe","format":"png","quality":5,"width":640,"from_ms":10000,"to_ms":60000,"repeat":true,"track":2,"samples":"as-is","hdr":"keep","strict":true}"#;
        let expected: ExtractionOptions = serde_json::from_str(stored).expect("options");
        assert_eq!(of_form(&given), Ok(expected.clone()));
        assert_eq!(serde_json::to_string(&expected).expect("JSON"), stored);
        assert_eq!(of_form(&[]), Ok(ExtractionOptions::default()));
        let least = serde_json::to_string(&ExtractionOptions::default()).expect("JSON");
        assert_eq!(least, r#"{"every_ms":1000,"mode":"exact"}"#);
    }

    #[test]
    fn what_is_no_option_is_refused_and_the_field_named() {
        for (name, value) in [
            ("every", "soon"),
            ("every", "0"),
            ("every_ms", "0"),
            ("mode", "sparse"),
            ("format", "gif"),
            ("quality", "1"),
            ("quality", "256"),
            ("width", "15"),
            ("from", "-1s"),
            ("to", "0"),
            ("repeat", "yes"),
            ("track", "0"),
            ("track", "one"),
            ("samples", "AsIs"),
            ("hdr", ""),
            ("hdr", "keep"),
            ("strict", "1"),
            ("tolerance", "5"),
        ] {
            let error = of_form(&[(name, value)]).expect_err(value);
            let option = name.trim_end_matches("_ms");
            assert!(
                error.to_string().contains(option),
                "{name}={value}: {error}"
            );
        }
        let error = of_form(&[("every", "1s"), ("every_ms", "1000")]).expect_err("both");
        assert_eq!(error.to_string(), "say every or every_ms, not both");
    }

    #[test]
    fn what_is_not_said_stays_as_it_was() {
        let was = of_form(&[("every", "2s"), ("format", "png"), ("width", "320")]);
        let given: GivenOptions = serde_json::from_str(r#"{"width":640}"#).expect("options");
        let now = was.expect("options").with(given).expect("options");
        assert_eq!(
            (now.every_ms, now.format, now.width),
            (2_000, Format::Png, Some(640))
        );
    }
}
