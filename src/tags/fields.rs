//! The fields of a song, and how each format of tags stores them.

use crate::{
    emotion::Emotion,
    library::{ModelStamp, Song},
    search::{MeanEmotions, strongest},
};
use lofty::{
    TextEncoding,
    config::WriteOptions,
    id3::v2::{ExtendedTextFrame, Frame, FrameId, Id3v2Tag, Id3v2Version, TextInformationFrame},
    mp4::{Atom, AtomData, AtomIdent, Ilst},
    ogg::tag::VorbisComments,
    tag::TagExt,
};
use std::{borrow::Cow, error::Error, fs::File};

/// The start of the names of all our fields.
const PREFIX: &str = "CIRCUMPLEX_";
/// The start of the name of a renamed field, followed by its own name.
const BEFORE: &str = "CIRCUMPLEX_BEFORE_";
/// The mood that was written: where the file's mood differs, somebody has changed it since.
const WRITTEN: &str = "CIRCUMPLEX_MOOD";

/// The fields of one song: its strongest emotion as the mood, `CIRCUMPLEX_HAPPY` to `CIRCUMPLEX_CONTENT` (percentages),
/// `CIRCUMPLEX_VALENCE`, `CIRCUMPLEX_AROUSAL` (1 to 9) and `CIRCUMPLEX_MODEL` (name and SHA-256 of the model).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MoodFields {
    /// Names and values of the fields besides the mood.
    pub(super) fields: Vec<(String, String)>,
    /// The name of the strongest emotion.
    pub(crate) mood: &'static str,
}

impl MoodFields {
    /// The fields of a song of a library; `None` for a silent one, whose numbers mean nothing. The strongest emotion is relative
    /// to a mean if there is one.
    pub(crate) fn of(
        song: &Song,
        model: &ModelStamp,
        relative_to: Option<&MeanEmotions>,
    ) -> Option<Self> {
        if song.silent {
            return None;
        }
        let mood = strongest(&song.emotions, relative_to).0.name();
        let mut fields = vec![(WRITTEN.to_owned(), mood.to_owned())];
        let mut add = |name: &str, value| fields.push((format!("{PREFIX}{name}"), value));
        for emotion in Emotion::ALL {
            let percentage = format!("{:.2}", song.emotions.get(emotion));
            add(&emotion.name().to_uppercase(), percentage);
        }
        add("VALENCE", format!("{:.2}", song.valence));
        add("AROUSAL", format!("{:.2}", song.arousal));
        add("MODEL", format!("{} {}", model.name, model.identity));
        Some(Self { fields, mood })
    }
}

pub(super) type AnyResult<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// How tags are written.
pub(super) fn options() -> WriteOptions {
    WriteOptions::new().lossy_text_encoding(false)
}

/// A tag as bytes, without padding: only to be compared.
pub(super) fn encoded<T: TagExt>(tag: Option<&T>, options: WriteOptions) -> AnyResult<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(tag) = tag {
        tag.dump_to(&mut bytes, options.preferred_padding(0))?;
    }
    Ok(bytes)
}

/// A tag as a list of named texts.
pub(super) trait Fields {
    /// The name of the mood.
    fn mood_name(&self) -> &'static str {
        "MOOD"
    }

    /// Names and values, in their order.
    fn texts(&self) -> Vec<(String, String)>;

    /// Gives every text the name that `change` returns, or removes it.
    fn rename(&mut self, change: &dyn Fn(&str) -> Option<String>);

    /// Adds a text.
    fn push(&mut self, name: &str, value: &str);

    /// Everything that is not ours, encoded.
    fn rest(&self) -> AnyResult<Vec<u8>>;

    /// Writes the tag into a file.
    fn save(&self, file: &mut File) -> AnyResult<()>;

    /// The values of the mood, as players show them.
    fn mood(&self) -> Vec<String> {
        let texts = self.texts().into_iter();
        let moods = texts.filter(|(name, _)| name.eq_ignore_ascii_case(self.mood_name()));
        moods.map(|(_, value)| value).collect()
    }

    /// Our fields without renamed ones.
    fn ours(&self) -> Vec<(String, String)> {
        let mut texts = self.texts();
        texts.retain(|(name, _)| name.starts_with(PREFIX) && !name.starts_with(BEFORE));
        texts
    }

    /// Whether the tag has exactly these fields; with `None`, none of ours.
    fn is_as(&self, wanted: Option<&MoodFields>) -> bool {
        match wanted {
            Some(wanted) => self.ours() == wanted.fields && self.mood() == [wanted.mood],
            None => self.ours().is_empty(),
        }
    }

    /// Removes our fields and restores the earlier mood. A mood that is no longer ours stays.
    fn remove_ours(&mut self) {
        let ours = self.ours();
        if ours.is_empty() {
            return;
        }
        let written = ours.into_iter().find(|(name, _)| name == WRITTEN);
        let is_intact = written.is_some_and(|(_, mood)| self.mood() == [mood]);
        let mood_name = self.mood_name();
        self.rename(&|name| match name.strip_prefix(BEFORE) {
            Some(before) => is_intact.then(|| before.to_owned()),
            None if name.starts_with(PREFIX) => None,
            None if is_intact && name.eq_ignore_ascii_case(mood_name) => None,
            None => Some(name.to_owned()),
        });
    }

    /// Replaces our fields; with `None`, removes them.
    fn set(&mut self, wanted: Option<&MoodFields>) {
        self.remove_ours();
        let Some(wanted) = wanted else { return };
        let mood_name = self.mood_name();
        self.rename(&|name| {
            let is_mood = name.eq_ignore_ascii_case(mood_name);
            Some(format!("{}{name}", if is_mood { BEFORE } else { "" }))
        });
        for (name, value) in &wanted.fields {
            self.push(name, value);
        }
        self.push(mood_name, wanted.mood);
    }
}

impl Fields for VorbisComments {
    fn texts(&self) -> Vec<(String, String)> {
        let items = self.items();
        items
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }

    fn rename(&mut self, change: &dyn Fn(&str) -> Option<String>) {
        for (name, value) in self.take_items() {
            if let Some(name) = change(&name) {
                VorbisComments::push(self, name, value);
            }
        }
    }

    fn push(&mut self, name: &str, value: &str) {
        VorbisComments::push(self, name.to_owned(), value.to_owned());
    }

    fn rest(&self) -> AnyResult<Vec<u8>> {
        let mut tag = self.clone();
        tag.remove_ours();
        if tag.items().len() == 0 {
            // lofty drops comments that hold nothing but the name of the encoder.
            tag.set_vendor(String::new());
        }
        encoded(Some(&tag), options())
    }

    fn save(&self, file: &mut File) -> AnyResult<()> {
        Ok(self.save_to(file, options())?)
    }
}

/// An ID3v2 tag.
#[derive(Clone)]
pub(super) struct Id3 {
    pub(super) tag: Id3v2Tag,
    /// The tag has version 2.3 and keeps it.
    pub(super) is_v3: bool,
}

/// The frame of the mood from version 2.4 on.
const TMOO: &str = "TMOO";

impl Id3 {
    /// A tag keeps its version. 2.2 cannot be written, nor 2.3 with the frame of 2.4 that some programs put into it: they become
    /// 2.4.
    pub(super) fn new(tag: Option<&Id3v2Tag>) -> Self {
        let tag = tag.cloned().unwrap_or_default();
        let has_frame = (&tag).into_iter().any(|frame| frame.id().as_str() == TMOO);
        let is_v3 = tag.original_version() == Id3v2Version::V3 && !has_frame;
        Self { tag, is_v3 }
    }

    fn options(&self) -> WriteOptions {
        options().use_id3v23(self.is_v3)
    }
}

fn id3_frame(name: &str, encoding: TextEncoding, value: &str) -> Frame<'static> {
    if name == TMOO {
        let id = FrameId::Valid(Cow::Borrowed(TMOO));
        return Frame::Text(TextInformationFrame::new(id, encoding, value.to_owned()));
    }
    let text = ExtendedTextFrame::new(encoding, name.to_owned(), value.to_owned());
    Frame::UserText(text)
}

/// Name, encoding and value of the mood's frame or of a user's text.
fn id3_text<'a>(frame: &'a Frame<'_>) -> Option<(&'a str, TextEncoding, &'a str)> {
    match frame {
        Frame::Text(text) if frame.id().as_str() == TMOO => {
            Some((TMOO, text.encoding, &text.value))
        }
        // A user's text of the frame's name is neither.
        Frame::UserText(text) if !text.description.eq_ignore_ascii_case(TMOO) => {
            Some((&text.description, text.encoding, &text.content))
        }
        _ => None,
    }
}

impl Fields for Id3 {
    fn mood_name(&self) -> &'static str {
        if self.is_v3 { "MOOD" } else { TMOO }
    }

    fn texts(&self) -> Vec<(String, String)> {
        let frames = (&self.tag).into_iter().filter_map(id3_text);
        frames
            .map(|(name, _, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }

    fn rename(&mut self, change: &dyn Fn(&str) -> Option<String>) {
        self.tag.retain_mut(|frame| {
            let Some((old, encoding, value)) = id3_text(frame) else {
                return true;
            };
            match change(old) {
                Some(new) if new == old => true,
                Some(new) => {
                    *frame = id3_frame(&new, encoding, value);
                    true
                }
                None => false,
            }
        });
    }

    fn push(&mut self, name: &str, value: &str) {
        // Encodings that every version of ID3v2 has.
        let encoding = if value.is_ascii() {
            TextEncoding::Latin1
        } else {
            TextEncoding::UTF16
        };
        self.tag.insert(id3_frame(name, encoding, value));
    }

    fn rest(&self) -> AnyResult<Vec<u8>> {
        let mut tag = self.clone();
        tag.remove_ours();
        encoded(Some(&tag.tag), self.options())
    }

    fn save(&self, file: &mut File) -> AnyResult<()> {
        Ok(self.tag.save_to(file, self.options())?)
    }
}

const MEAN: &str = "com.apple.iTunes";

/// The name of a freeform atom of iTunes.
fn mp4_name<'a>(atom: &'a Atom<'_>) -> Option<&'a str> {
    match atom.ident() {
        AtomIdent::Freeform { mean, name } if mean == MEAN => Some(name),
        _ => None,
    }
}

fn mp4_ident(name: &str) -> AtomIdent<'static> {
    AtomIdent::Freeform {
        mean: Cow::Borrowed(MEAN),
        name: Cow::Owned(name.to_owned()),
    }
}

impl Fields for Ilst {
    fn texts(&self) -> Vec<(String, String)> {
        let mut texts = Vec::new();
        for atom in self {
            let Some(name) = mp4_name(atom) else { continue };
            for data in atom.data() {
                let value = match data {
                    AtomData::UTF8(text) | AtomData::UTF16(text) => text.clone(),
                    other => format!("{other:?}"),
                };
                texts.push((name.to_owned(), value));
            }
        }
        texts
    }

    fn rename(&mut self, change: &dyn Fn(&str) -> Option<String>) {
        let mut renamed = Ilst::new();
        for atom in std::mem::take(self) {
            let Some(name) = mp4_name(&atom) else {
                renamed.insert(atom);
                continue;
            };
            let Some(ident) = change(name).map(|name| mp4_ident(&name)) else {
                continue;
            };
            if let Some(atom) = Atom::from_collection(ident, atom.into_data().collect()) {
                renamed.insert(atom);
            }
        }
        *self = renamed;
    }

    fn push(&mut self, name: &str, value: &str) {
        self.insert(Atom::new(mp4_ident(name), AtomData::UTF8(value.to_owned())));
    }

    fn rest(&self) -> AnyResult<Vec<u8>> {
        let mut tag = self.clone();
        tag.remove_ours();
        encoded(Some(&tag), options())
    }

    fn save(&self, file: &mut File) -> AnyResult<()> {
        Ok(self.save_to(file, options())?)
    }
}
