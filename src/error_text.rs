//! An error together with its sources as one line of text.

use std::error::Error;

/// The error's message followed by those of its sources, separated by `": "`. A source whose message the text before it
/// already ends with (because a message quotes its source) is not repeated. Line breaks become spaces.
pub fn one_line(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        let message = source.to_string();
        if !message.is_empty() && !text.ends_with(&message) {
            text.push_str(": ");
            text.push_str(&message);
        }
        next = source.source();
    }
    text.split(['\n', '\r'])
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    #[derive(Debug, thiserror::Error)]
    enum Example {
        #[error("song.mp3: cannot read")]
        Plain(#[source] io::Error),
        #[error("song.mp3: cannot read: {0}")]
        Quoting(#[source] io::Error),
    }

    #[test]
    fn sources_follow_their_error() {
        let error = Example::Plain(io::Error::other("the disk is gone"));
        assert_eq!(one_line(&error), "song.mp3: cannot read: the disk is gone");
    }

    #[test]
    fn a_quoted_source_is_not_said_twice() {
        let error = Example::Quoting(io::Error::other("the disk is gone"));
        assert_eq!(one_line(&error), "song.mp3: cannot read: the disk is gone");
    }

    #[test]
    fn line_breaks_become_spaces() {
        let error = Example::Plain(io::Error::other("first\n  second\r\n"));
        assert_eq!(one_line(&error), "song.mp3: cannot read: first second");
    }
}
