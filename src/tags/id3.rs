//! ID3v2.

use super::fields::{BEFORE, Fields, PREFIX, is_ours};
use lofty::{
    TextEncoding,
    id3::v2::{ExtendedTextFrame, Frame, FrameId, Id3v2Tag, Id3v2Version, TextInformationFrame},
};
use std::borrow::Cow;

/// The mood's frame from version 2.4 on.
const FRAME: &str = "TMOO";
/// The description of its text frame in version 2.3, which has no frame for it.
const TEXT: &str = "MOOD";

/// A tag, and where it has its mood.
#[derive(Clone)]
pub(super) struct Id3 {
    pub(super) tag: Id3v2Tag,
    /// The tag is one of version 2.3, and stays so.
    pub(super) is_v3: bool,
}

impl Id3 {
    /// A tag keeps its version. 2.2 cannot be written, and 2.3 not with the frame of 2.4 that some programs put into it: they
    /// become 2.4.
    pub(super) fn new(tag: Option<&Id3v2Tag>) -> Self {
        let tag = tag.cloned().unwrap_or_default();
        let has_frame = (&tag).into_iter().any(|frame| frame.id().as_str() == FRAME);
        let is_v3 = tag.original_version() == Id3v2Version::V3 && !has_frame;
        Self { tag, is_v3 }
    }

    fn is_mood(&self, frame: &Frame<'_>) -> bool {
        is_mood(frame, self.is_v3)
    }
}

fn is_mood(frame: &Frame<'_>, is_v3: bool) -> bool {
    match frame {
        Frame::UserText(text) => is_v3 && text.description.eq_ignore_ascii_case(TEXT),
        frame => !is_v3 && frame.id().as_str() == FRAME,
    }
}

/// One that every version of ID3v2 has.
fn encoding(text: &str) -> TextEncoding {
    if text.is_ascii() {
        TextEncoding::Latin1
    } else {
        TextEncoding::UTF16
    }
}

/// The frame with this name: the mood's own, or a text.
fn frame(name: &str, encoding: TextEncoding, value: &str) -> Frame<'static> {
    if name == FRAME {
        let id = FrameId::Valid(Cow::Borrowed(FRAME));
        return Frame::Text(TextInformationFrame::new(id, encoding, value.to_owned()));
    }
    let text = ExtendedTextFrame::new(encoding, name.to_owned(), value.to_owned());
    Frame::UserText(text)
}

/// Name, encoding and value of a frame with a text.
fn parts<'a>(frame: &'a Frame<'_>) -> Option<(&'a str, TextEncoding, &'a str)> {
    match frame {
        Frame::Text(text) => Some((frame.id().as_str(), text.encoding, &text.value)),
        Frame::UserText(text) => Some((&text.description, text.encoding, &text.content)),
        _ => None,
    }
}

impl Fields for Id3 {
    fn mood(&self) -> Vec<String> {
        let frames = (&self.tag).into_iter().filter(|frame| self.is_mood(frame));
        frames
            .filter_map(|frame| parts(frame).map(|(_, _, value)| value.to_owned()))
            .collect()
    }

    fn ours(&self) -> Vec<(String, String)> {
        (&self.tag)
            .into_iter()
            .filter_map(|frame| match frame {
                Frame::UserText(text) if is_ours(&text.description) => {
                    Some((text.description.to_string(), text.content.to_string()))
                }
                _ => None,
            })
            .collect()
    }

    fn set_aside(&mut self) {
        let is_v3 = self.is_v3;
        self.tag.retain_mut(|old| {
            if is_mood(old, is_v3)
                && let Some((name, encoding, value)) = parts(old)
            {
                *old = frame(&format!("{BEFORE}{name}"), encoding, value);
            }
            true
        });
    }

    fn add(&mut self, fields: &[(String, String)], mood: &str) {
        for (name, value) in fields {
            self.tag.insert(frame(name, encoding(value), value));
        }
        let name = if self.is_v3 { TEXT } else { FRAME };
        self.tag.insert(frame(name, encoding(mood), mood));
    }

    fn strip(&mut self, mood: bool) {
        let is_v3 = self.is_v3;
        self.tag.retain_mut(|old| {
            if mood && is_mood(old, is_v3) {
                return false;
            }
            let Frame::UserText(text) = &*old else {
                return true;
            };
            if !text.description.starts_with(PREFIX) {
                return true;
            }
            match text.description.strip_prefix(BEFORE) {
                Some(before) if mood => {
                    *old = frame(before, text.encoding, &text.content);
                    true
                }
                _ => false,
            }
        });
    }
}
