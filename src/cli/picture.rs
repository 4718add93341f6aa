//! Pictures in terminals that show them.

use crate::{error::Result, figure::Scene};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use std::{collections::HashMap, env, fmt::Write as _};

/// How a terminal is sent pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub(crate) enum Pictures {
    /// A picture where the terminal is known to show one.
    #[default]
    Auto,
    /// Text only.
    Never,
    /// The protocol of kitty, Ghostty, Konsole and WezTerm.
    Kitty,
    /// The protocol of iTerm2, WezTerm and mintty.
    Iterm2,
    /// The format of foot, mlterm, Windows Terminal and xterm.
    Sixel,
}

impl Pictures {
    /// The protocol to write to standard output; `None` for text. Only `auto` asks whether that is a terminal.
    pub(crate) fn protocol(self) -> Option<Pictures> {
        match self {
            Pictures::Never => None,
            Pictures::Auto if console::colors_enabled() && console::user_attended() => {
                known(|name| env::var(name).ok())
            }
            Pictures::Auto => None,
            chosen => Some(chosen),
        }
    }
}

/// The protocol of the terminal that set these environment variables. A multiplexer would swallow the picture.
fn known(variable: impl Fn(&str) -> Option<String>) -> Option<Pictures> {
    let is = |name: &str, values: &[&str]| {
        let value = variable(name).unwrap_or_default();
        values.iter().any(|start| value.starts_with(start))
    };
    if variable("TMUX").is_some() || is("TERM", &["tmux", "screen"]) {
        None
    } else if is("TERM", &["xterm-kitty", "xterm-ghostty"])
        || is("TERM_PROGRAM", &["ghostty", "WezTerm"])
        || variable("KITTY_WINDOW_ID").is_some()
    {
        Some(Pictures::Kitty)
    } else if is("TERM_PROGRAM", &["iTerm", "mintty"]) || is("LC_TERMINAL", &["iTerm2"]) {
        Some(Pictures::Iterm2)
    } else if is("TERM", &["foot", "mlterm"]) {
        Some(Pictures::Sixel)
    } else {
        None
    }
}

/// The picture as what a terminal of that protocol shows over `columns` columns, with a line break at the end.
///
/// # Errors
/// Where the picture cannot be drawn.
pub(crate) fn inline(scene: &Scene, protocol: Pictures, columns: usize) -> Result<String> {
    match protocol {
        // The columns of most terminals are about 8 pixels wide, and sixels are pixels.
        Pictures::Sixel => Ok(sixels(&scene.to_rgb(8 * columns.clamp(1, 500) as u32)?)),
        Pictures::Iterm2 => {
            let png = scene.to_png()?;
            Ok(format!(
                "\x1b]1337;File=inline=1;size={};width={columns}:{}\x07\n",
                png.len(),
                STANDARD.encode(&png)
            ))
        }
        _ => {
            // Sent in pieces of at most 4,096 characters; `m=1` says that more follow, `q=2` asks for no answer.
            let code = STANDARD.encode(scene.to_png()?);
            let mut text = String::new();
            let mut keys = format!("a=T,f=100,q=2,c={columns},");
            let mut rest = code.as_str();
            while !rest.is_empty() {
                let (piece, after) = rest.split_at(rest.len().min(4096));
                rest = after;
                let more = u8::from(!rest.is_empty());
                // Writing to a string does not fail.
                let _ = write!(text, "\x1b_G{keys}m={more};{piece}\x1b\\");
                keys.clear();
            }
            text.push('\n');
            Ok(text)
        }
    }
}

/// Pixels as sixels: the 256 most frequent colors, and in each band of six rows a pass for each of its colors.
fn sixels(rows: &[Vec<[u8; 3]>]) -> String {
    let mut counts: HashMap<[u8; 3], usize> = HashMap::new();
    for pixel in rows.iter().flatten() {
        *counts.entry(*pixel).or_default() += 1;
    }
    let mut colors: Vec<[u8; 3]> = counts.keys().copied().collect();
    colors.sort_by_key(|color| (usize::MAX - counts[color], *color));
    let palette = &colors[..colors.len().min(256)];
    let distance = |a: &[u8; 3], b: &[u8; 3]| {
        let squares = a
            .iter()
            .zip(b)
            .map(|(a, b)| u32::from(a.abs_diff(*b)).pow(2));
        squares.sum::<u32>()
    };
    let nearest = |color: &[u8; 3]| {
        (0..palette.len())
            .min_by_key(|n| distance(&palette[*n], color))
            .unwrap_or(0)
    };
    let index: HashMap<[u8; 3], usize> = colors
        .iter()
        .map(|color| (*color, nearest(color)))
        .collect();

    let width = rows.first().map_or(0, Vec::len);
    // Writing to a string does not fail.
    let mut text = String::from("\x1bPq");
    let _ = write!(text, "\"1;1;{width};{}", rows.len());
    for (n, color) in palette.iter().enumerate() {
        let [red, green, blue] = color.map(|value| (u32::from(value) * 100 + 127) / 255);
        let _ = write!(text, "#{n};2;{red};{green};{blue}");
    }
    for band in rows.chunks(6) {
        // For each color of the band, the six bits of every column.
        let mut passes: HashMap<usize, Vec<u8>> = HashMap::new();
        for (row, pixels) in band.iter().enumerate() {
            for (column, pixel) in pixels.iter().enumerate() {
                let pass = passes.entry(index[pixel]).or_insert_with(|| vec![0; width]);
                pass[column] |= 1 << row;
            }
        }
        let mut passes: Vec<(usize, Vec<u8>)> = passes.into_iter().collect();
        passes.sort();
        for (color, bits) in passes {
            let _ = write!(text, "#{color}");
            for run in bits.chunk_by(|a, b| a == b) {
                let _ = write!(text, "!{}{}", run.len(), char::from(63 + run[0]));
            }
            text.push('$');
        }
        text.push('-');
    }
    text.push_str("\x1b\\\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::Color;
    use proptest::prelude::*;

    fn protocol_in(variables: &[(&str, &str)]) -> Option<Pictures> {
        known(|name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn a_terminal_is_known_by_its_variables_and_a_multiplexer_shows_no_pictures() {
        assert_eq!(protocol_in(&[("TERM", "xterm-256color")]), None);
        assert_eq!(protocol_in(&[]), None);
        let kitty = [("TERM", "xterm-kitty")];
        assert_eq!(protocol_in(&kitty), Some(Pictures::Kitty));
        assert_eq!(
            protocol_in(&[kitty[0], ("TMUX", "/tmp/tmux-0/default,1,0")]),
            None
        );
        let iterm = ("LC_TERMINAL", "iTerm2");
        assert_eq!(protocol_in(&[iterm]), Some(Pictures::Iterm2));
        assert_eq!(protocol_in(&[iterm, ("TERM", "screen-256color")]), None);
        assert_eq!(protocol_in(&[("TERM", "foot")]), Some(Pictures::Sixel));
    }

    #[test]
    fn the_pieces_of_a_kitty_picture_are_short_and_join_to_its_png() {
        let mut scene = Scene::new(300, 300);
        scene.image((0.0, 0.0), (300, 300), |x, y| {
            let noise = x.wrapping_mul(0x9e37_79b9) ^ y.wrapping_mul(0x85eb_ca6b);
            Color::new((noise >> 8) as u8, (noise >> 16) as u8, (noise >> 24) as u8)
        });
        let text = inline(&scene, Pictures::Kitty, 40).unwrap();
        let pieces: Vec<(&str, &str)> = text
            .trim_end()
            .split_terminator("\x1b\\")
            .map(|piece| {
                piece
                    .strip_prefix("\x1b_G")
                    .unwrap()
                    .split_once(';')
                    .unwrap()
            })
            .collect();
        assert!(pieces.len() > 1 && pieces[0].0.contains("c=40"));
        let mut code = String::new();
        for (n, (keys, piece)) in pieces.iter().enumerate() {
            let more = if n + 1 < pieces.len() { "m=1" } else { "m=0" };
            assert!(keys.ends_with(more) && piece.len() <= 4096);
            code += piece;
        }
        assert_eq!(STANDARD.decode(code).unwrap(), scene.to_png().unwrap());
    }

    /// The pixels of a sixel picture, read as a terminal reads it; black where nothing is painted.
    fn painted(text: &str, width: usize, height: usize) -> Vec<Vec<[u8; 3]>> {
        let body = text.strip_prefix("\x1bPq\"1;1;").unwrap();
        let mut rest = body.strip_suffix("\x1b\\\n").unwrap();
        rest = rest.strip_prefix(&format!("{width};{height}")).unwrap();
        fn number(rest: &mut &str) -> usize {
            let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap();
            let (digits, after) = rest.split_at(end);
            *rest = after;
            digits.parse().unwrap()
        }
        let mut rows = vec![vec![[0; 3]; width]; height];
        let mut palette = HashMap::new();
        let (mut color, mut left, mut top) = (0, 0, 0);
        while let Some(command) = rest.chars().next() {
            rest = &rest[1..];
            match command {
                '#' => {
                    color = number(&mut rest);
                    if rest.starts_with(";2;") {
                        rest = &rest[2..];
                        let rgb = [(); 3].map(|()| {
                            rest = &rest[1..];
                            (number(&mut rest) * 255 + 50) / 100
                        });
                        palette.insert(color, rgb.map(|value| value as u8));
                    }
                }
                '!' => {
                    let run = number(&mut rest);
                    let bits = rest.as_bytes()[0] - 63;
                    rest = &rest[1..];
                    for (n, row) in rows.iter_mut().skip(top).take(6).enumerate() {
                        if bits & 1 << n != 0 {
                            row[left..left + run].fill(palette[&color]);
                        }
                    }
                    left += run;
                }
                '$' => left = 0,
                '-' => (left, top) = (0, top + 6),
                other => panic!("{other:?}"),
            }
        }
        rows
    }

    proptest! {
        #[test]
        fn sixels_paint_every_pixel_in_its_color(
            width in 1_usize..9,
            // Multiples of 51 are whole percentages.
            pixels in proptest::collection::vec([0_u8..6, 0_u8..6, 0_u8..6], 1..120),
        ) {
            let pixels: Vec<[u8; 3]> = pixels.into_iter().map(|rgb| rgb.map(|n| n * 51)).collect();
            let rows: Vec<Vec<[u8; 3]>> =
                pixels.chunks_exact(width).map(<[_]>::to_vec).collect();
            prop_assume!(!rows.is_empty());
            prop_assert_eq!(painted(&sixels(&rows), width, rows.len()), rows);
        }
    }
}
