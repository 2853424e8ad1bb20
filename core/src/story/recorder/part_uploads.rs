//! Uploads in parts, written down.

use async_trait::async_trait;
use chrono::Duration;

use super::Recorder;
use crate::Result;
use crate::domain::parts::StoredPart;
use crate::features::Permission;
use crate::ports::{PartAddress, PartUploads, SignedPut};

#[async_trait]
impl PartUploads for Recorder {
    async fn begin(&self, key: &str, content_type: &str) -> Result<String> {
        self.need(&[Permission::PUT_UPLOAD]);
        self.write(format!("begin-parts {key} of {content_type}"))?;
        let id = self.next_id();
        self.world().parts.insert(key.to_owned(), [].into());
        Ok(format!("upload-{id}"))
    }

    async fn sign(&self, address: &PartAddress<'_>, expires_in: Duration) -> Result<SignedPut> {
        self.need(&[Permission::PUT_UPLOAD]);
        let PartAddress {
            key,
            upload_id,
            part,
            size,
            content_md5,
        } = address;
        let seconds = expires_in.num_seconds();
        let sum = content_md5.map_or_else(String::new, |sum| format!(" with MD5 {sum}"));
        self.write(format!(
            "sign-part {part} of {key} {upload_id} {size} bytes{sum} for {seconds} s"
        ))?;
        let length = ("content-length".to_owned(), size.to_string());
        let sum = content_md5.map(|sum| ("content-md5".to_owned(), sum.to_owned()));
        Ok(SignedPut {
            url: format!("https://s3.example/{key}?part={part}&signed"),
            headers: std::iter::once(length).chain(sum).collect(),
        })
    }

    async fn list(&self, key: &str, upload_id: &str) -> Result<Option<Vec<StoredPart>>> {
        self.need(&[Permission::LIST_PARTS]);
        self.read(&format!("list-parts {key} {upload_id}"))?;
        let world = self.world();
        let parts = world.parts.get(key).map(|parts| {
            let parts = parts.iter().map(|(part, size)| StoredPart {
                part: *part,
                size: *size,
                etag: format!("\"part-{part}\""),
            });
            parts.collect()
        });
        Ok(parts)
    }

    async fn complete(&self, key: &str, upload_id: &str, parts: &[StoredPart]) -> Result<()> {
        self.need(&[Permission::PUT_UPLOAD]);
        let count = parts.len();
        self.write(format!("complete-parts {key} {upload_id} {count} parts"))?;
        let mut world = self.world();
        if let Some(parts) = world.parts.remove(key) {
            world.objects.insert(key.to_owned(), parts.values().sum());
        }
        Ok(())
    }

    async fn abort(&self, key: &str, upload_id: &str) -> Result<()> {
        self.need(&[Permission::ABORT_UPLOAD]);
        self.write(format!("abort-parts {key} {upload_id}"))?;
        self.world().parts.remove(key);
        Ok(())
    }
}
