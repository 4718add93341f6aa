//! Vorbis comments.

use super::fields::{BEFORE, Fields, PREFIX, is_ours};
use lofty::ogg::tag::VorbisComments;

const MOOD: &str = "MOOD";

fn is_mood(name: &str) -> bool {
    name.eq_ignore_ascii_case(MOOD)
}

impl Fields for VorbisComments {
    fn mood(&self) -> Vec<String> {
        let items = self.items().filter(|(name, _)| is_mood(name));
        items.map(|(_, value)| value.to_owned()).collect()
    }

    fn ours(&self) -> Vec<(String, String)> {
        let items = self.items().filter(|(name, _)| is_ours(name));
        items
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }

    fn set_aside(&mut self) {
        for (name, value) in self.take_items() {
            let name = if is_mood(&name) {
                format!("{BEFORE}{name}")
            } else {
                name
            };
            self.push(name, value);
        }
    }

    fn add(&mut self, fields: &[(String, String)], mood: &str) {
        for (name, value) in fields {
            self.push(name.clone(), value.clone());
        }
        self.push(MOOD.to_owned(), mood.to_owned());
    }

    fn strip(&mut self, mood: bool) {
        for (name, value) in self.take_items() {
            if let Some(before) = name.strip_prefix(BEFORE) {
                if mood {
                    self.push(before.to_owned(), value);
                }
                continue;
            }
            let leaves = name.starts_with(PREFIX) || (mood && is_mood(&name));
            if !leaves {
                self.push(name, value);
            }
        }
    }
}
