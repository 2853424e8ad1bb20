//! Single words as people and AWS write them: intervals, modes, keys.

#![no_main]

use std::collections::BTreeMap;

use aws_lambda_events::s3::S3EventRecord;
use fotograma_core::domain::{ExtractionOptions, every, keys};
use lambda_anywhere::fields::Fields;
use lambda_anywhere::s3_key;
use libfuzzer_sys::fuzz_target;

#[derive(serde::Deserialize)]
struct Asked {
    #[serde(deserialize_with = "every::deserialize")]
    every: u64,
}

fuzz_target!(|word: &str| {
    if let Ok(ms) = every::parse(word) {
        assert_eq!(every::check_ms(ms), Ok(ms));
        assert_eq!(every::parse(&format!("{ms}ms")), Ok(ms));
    }
    for json in [format!(r#"{{"every":{word}}}"#), serde_json::json!({ "every": word }).to_string()] {
        if let Ok(asked) = serde_json::from_str::<Asked>(&json) {
            assert_eq!(every::check_ms(asked.every), Ok(asked.every));
        }
    }
    let fields = BTreeMap::from([("every".to_owned(), word.to_owned()), ("to".to_owned(), word.to_owned())]);
    if let Ok(options) = Fields::of_form(&fields).read::<ExtractionOptions>() {
        assert_eq!(options.check(), Ok(()));
    }
    if let Ok((user, video)) = keys::parse_upload(word) {
        assert_eq!(keys::upload(user, video), word);
    }
    let mut record = S3EventRecord::default();
    record.s3.object.key = Some(word.to_owned());
    if let Ok(key) = s3_key(&record) {
        assert!(!key.is_empty());
    }
});
