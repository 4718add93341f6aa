//! What is written, and how a tag is changed, whatever its kind.

use crate::{
    emotion::Emotion,
    library::{ModelStamp, SongRow},
};

/// What the names of all our fields begin with.
pub(super) const PREFIX: &str = "CIRCUMPLEX_";
/// What the names of fields begin with in which something of the file's own was set aside; its own name follows.
pub(super) const BEFORE: &str = "CIRCUMPLEX_BEFORE_";
/// The mood that was written: where the file's mood is another, somebody has changed it since.
const WRITTEN: &str = "CIRCUMPLEX_MOOD";

/// The fields for one song: its strongest emotion as the mood, `CIRCUMPLEX_HAPPY` to `CIRCUMPLEX_CONTENT` (percentages),
/// `CIRCUMPLEX_VALENCE`, `CIRCUMPLEX_AROUSAL` (1 to 9) and `CIRCUMPLEX_MODEL` (name and SHA-256 of the model).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MoodFields {
    fields: Vec<(String, String)>,
    mood: &'static str,
}

impl MoodFields {
    /// Those of a song of a library. `None` for a silent one, whose numbers mean nothing.
    pub fn of(song: &SongRow, model: &ModelStamp) -> Option<Self> {
        if song.is_silent() {
            return None;
        }
        let mood = song.emotions.strongest().name();
        let mut fields = vec![(WRITTEN.to_owned(), mood.to_owned())];
        for emotion in Emotion::ALL {
            let name = format!("{PREFIX}{}", emotion.name().to_uppercase());
            fields.push((name, format!("{:.2}", song.emotions.get(emotion))));
        }
        fields.push((format!("{PREFIX}VALENCE"), format!("{:.2}", song.valence)));
        fields.push((format!("{PREFIX}AROUSAL"), format!("{:.2}", song.arousal)));
        let model = format!("{} {}", model.name, model.identity);
        fields.push((format!("{PREFIX}MODEL"), model));
        Some(Self { fields, mood })
    }

    /// The mood: the name of the strongest emotion.
    pub fn mood(&self) -> &'static str {
        self.mood
    }

    /// Names and values of the fields beside the mood.
    pub fn fields(&self) -> &[(String, String)] {
        &self.fields
    }
}

/// What tags of every kind can do.
pub(super) trait Fields {
    /// The values of the mood, as players see them.
    fn mood(&self) -> Vec<String>;
    /// Our fields, in their order, but for what was set aside.
    fn ours(&self) -> Vec<(String, String)>;
    /// Renames the mood, so that it stays in the tag but is no mood.
    fn set_aside(&mut self);
    /// Adds our fields and the mood.
    fn add(&mut self, fields: &[(String, String)], mood: &str);
    /// Removes our fields. With `mood`, the mood too, and what was set aside gets its name back.
    fn strip(&mut self, mood: bool);
}

/// Whether the tag holds just these fields, and this mood.
pub(super) fn holds(tag: &impl Fields, wanted: &MoodFields) -> bool {
    tag.ours() == wanted.fields && tag.mood() == [wanted.mood]
}

/// Removes what was written. A mood that is no longer ours stays.
pub(super) fn remove(tag: &mut impl Fields) {
    let ours = tag.ours();
    if ours.is_empty() {
        return;
    }
    let written = ours.into_iter().find(|(name, _)| name == WRITTEN);
    let intact = written.is_some_and(|(_, mood)| tag.mood() == [mood]);
    tag.strip(intact);
}

/// Writes the fields in the place of older ones.
pub(super) fn write(tag: &mut impl Fields, wanted: &MoodFields) {
    remove(tag);
    tag.set_aside();
    tag.add(&wanted.fields, wanted.mood);
}

/// Whether a field's name is one of ours that holds a value.
pub(super) fn is_ours(name: &str) -> bool {
    name.starts_with(PREFIX) && !name.starts_with(BEFORE)
}
