//! The pictures made beside the frames, into files beside the zip.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use bytes::Bytes;
use clap::Args;
use fotograma_engine::{Options, Previews, Sink};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::places;
use crate::cli::failure::Usage;

/// What an address has in another way.
const NOT_IN_ADDRESS: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_');

#[derive(Debug, Clone, Copy, Args)]
pub(super) struct PreviewArgs {
    /// Put a poster beside frames.zip, as frames.poster.jpg: a frame of the first part, neither black
    /// nor blurred
    #[arg(long)]
    poster: bool,
    /// Put a storyboard for players beside it: frames.storyboard.jpg, small pictures in one, and
    /// frames.storyboard.vtt, which tells when each is shown
    #[arg(long)]
    storyboard: bool,
    /// Put a contact sheet beside it, as frames.contact-sheet.jpg: thirty pictures at most
    #[arg(long)]
    contact_sheet: bool,
}

/// Files that are there once they are complete.
pub(super) struct PreviewFiles {
    poster: Option<Box<dyn Sink>>,
    storyboard: Option<Storyboard>,
    contact_sheet: Option<Box<dyn Sink>>,
}

struct Storyboard {
    sheet: Box<dyn Sink>,
    cues: Box<dyn Sink>,
    /// The sheet's name as a relative address, as the cues, which lie beside it, name it.
    address: String,
}

impl PreviewArgs {
    fn any(self) -> bool {
        self.poster || self.storyboard || self.contact_sheet
    }

    /// The engine's options, where they are to make what is wanted here.
    pub(super) fn options(self, options: Options) -> Options {
        Options {
            previews: self.poster || self.storyboard,
            contact_sheet: self.contact_sheet,
            ..options
        }
    }

    /// Makes sure that the files beside `zip` can be written, before any work is done.
    pub(super) async fn open(self, zip: &Path, force: bool) -> Result<PreviewFiles> {
        if self.any() && places::is_stdout(zip) {
            let what = "--poster, --storyboard and --contact-sheet want a file for the zip, beside which they lie";
            bail!(Usage(what.into()));
        }
        let open = async |wanted: bool, end: &str| {
            if wanted {
                places::sink(&beside(zip, end), force).await.map(Some)
            } else {
                Ok(None)
            }
        };
        let sheet = open(self.storyboard, "storyboard.jpg").await?;
        let cues = open(self.storyboard, "storyboard.vtt").await?;
        Ok(PreviewFiles {
            poster: open(self.poster, "poster.jpg").await?,
            storyboard: sheet.zip(cues).map(|(sheet, cues)| Storyboard {
                sheet,
                cues,
                address: address(&beside(zip, "storyboard.jpg")),
            }),
            contact_sheet: open(self.contact_sheet, "contact-sheet.jpg").await?,
        })
    }
}

fn beside(zip: &Path, end: &str) -> PathBuf {
    zip.with_extension(end)
}

fn address(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    utf8_percent_encode(&name.to_string_lossy(), NOT_IN_ADDRESS).to_string()
}

impl PreviewFiles {
    pub(super) async fn write(self, made: &Previews) -> Result<()> {
        if let Some(poster) = self.poster {
            write(poster, made.poster.clone()).await?;
        }
        if let Some(storyboard) = self.storyboard {
            let cues = made.storyboard.web_vtt(&storyboard.address);
            write(storyboard.sheet, made.storyboard.sheet.clone()).await?;
            write(storyboard.cues, cues.into()).await?;
        }
        if let (Some(file), Some(sheet)) = (self.contact_sheet, &made.contact_sheet) {
            write(file, sheet.clone()).await?;
        }
        Ok(())
    }
}

async fn write(mut file: Box<dyn Sink>, bytes: Bytes) -> Result<()> {
    file.write(bytes).await?;
    Ok(file.finish().await?)
}
