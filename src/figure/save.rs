//! How pictures become files, and parts of a page.

use super::{
    canvas::{Canvas, Figure, Lettering, Picture, register_fonts},
    palette::PAPER,
};
use crate::atomic_file;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use plotters::prelude::*;
use std::{
    collections::HashMap,
    io::Write,
    path::{Path, PathBuf},
};

/// Largest width or height of a picture in pixels.
const MAX_SIDE: u32 = 16_384;

/// Why a picture was not made.
#[derive(Debug, thiserror::Error)]
pub enum PlotError {
    /// The name of the file ends neither in `.png` nor in `.svg`.
    #[error("{}: expected the name of a picture to end in .png or .svg", path.display())]
    Format {
        /// The file asked for.
        path: PathBuf,
    },
    /// The picture cannot be drawn.
    #[error("{}: cannot draw the picture", path.display())]
    Draw {
        /// The file asked for.
        path: PathBuf,
        /// Why.
        #[source]
        source: DrawError,
    },
    /// The file cannot be written.
    #[error(transparent)]
    Write(#[from] crate::Error),
}

/// Why a picture cannot be drawn.
#[derive(Debug, thiserror::Error)]
pub enum DrawError {
    /// It is too small or too large.
    #[error("expected a picture of 1 to {MAX_SIDE} pixels each way, found {} x {}", size.0, size.1)]
    Size {
        /// Width and height asked for.
        size: (u32, u32),
    },
    /// plotters could not draw it.
    #[error("plotters failed: {reason}")]
    Backend {
        /// What plotters said.
        reason: String,
    },
    /// The pixels could not be encoded.
    #[error("cannot encode the pixels as PNG")]
    Encode(#[from] png::EncodingError),
}

/// Whether [`save`] would take the name of a file: to be asked before long work.
///
/// # Errors
/// [`PlotError::Format`].
pub fn check_name(path: &Path) -> Result<(), PlotError> {
    match ending(path).as_deref() {
        Some("png" | "svg") => Ok(()),
        _ => Err(PlotError::Format {
            path: path.to_owned(),
        }),
    }
}

fn ending(path: &Path) -> Option<String> {
    let ending = path.extension()?.to_str()?;
    Some(ending.to_ascii_lowercase())
}

/// Draws `figure` and writes it to `path`, as PNG or SVG by the name's ending. A file that was there is replaced once
/// the new one is whole.
///
/// # Errors
/// [`PlotError`].
pub fn save(figure: &impl Figure, path: &Path) -> Result<(), PlotError> {
    let bytes = match ending(path).as_deref() {
        Some("png") => png(figure),
        Some("svg") => svg(figure),
        _ => {
            return Err(PlotError::Format {
                path: path.to_owned(),
            });
        }
    };
    let bytes = bytes.map_err(|source| PlotError::Draw {
        path: path.to_owned(),
        source,
    })?;
    Ok(atomic_file::write(path, |file| file.write_all(&bytes))?)
}

/// Draws `figure` as an SVG element for a page: without paper, as wide as the page lets it be. `label` is what those
/// hear who do not see it.
///
/// Colours stand in attributes `fill` and `stroke` as `#RRGGBB`, upper case, so that a style sheet can exchange them.
///
/// # Errors
/// [`DrawError`].
pub fn inline_svg(figure: &impl Figure, label: &str) -> Result<String, DrawError> {
    let (width, height) = checked_size(figure)?;
    let text = svg_elements(figure, None)?;
    Ok(format!(
        "<svg viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{}\">\n{text}</svg>\n",
        escape(label)
    ))
}

/// Text for a page: what would be markup is escaped, and characters that no page may hold are replaced.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\n' | '\t' => escaped.push(letter),
            '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            letter if letter.is_control() => escaped.push('\u{fffd}'),
            letter => escaped.push(letter),
        }
    }
    escaped
}

fn checked_size(figure: &impl Figure) -> Result<(u32, u32), DrawError> {
    let size = figure.size();
    let sides = 1..=MAX_SIDE;
    if sides.contains(&size.0) && sides.contains(&size.1) {
        Ok(size)
    } else {
        Err(DrawError::Size { size })
    }
}

fn png(figure: &impl Figure) -> Result<Vec<u8>, DrawError> {
    encode(figure.size(), &pixels_of(figure)?)
}

/// Red, green and blue of every pixel of a picture.
pub(super) fn pixels_of(figure: &impl Figure) -> Result<Vec<u8>, DrawError> {
    let size = checked_size(figure)?;
    let mut pixels = vec![0; 3 * size.0 as usize * size.1 as usize];
    let backend = BitMapBackend::with_buffer(&mut pixels, size);
    draw_on(backend, figure, Lettering::Pixels, true)?;
    Ok(pixels)
}

/// Rows of red, green and blue bytes as a PNG file; with a palette where 256 colours do.
fn encode(size: (u32, u32), rgb: &[u8]) -> Result<Vec<u8>, DrawError> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, size.0, size.1);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_source_srgb(png::SrgbRenderingIntent::Perceptual);
    let indexed = indexed(rgb);
    let bytes = match &indexed {
        Some((palette, indices)) => {
            encoder.set_color(png::ColorType::Indexed);
            encoder.set_palette(palette.clone());
            indices
        }
        None => {
            encoder.set_color(png::ColorType::Rgb);
            rgb
        }
    };
    let mut writer = encoder.write_header()?;
    writer.write_image_data(bytes)?;
    writer.finish()?;
    Ok(file)
}

/// A palette and the place of each pixel's colour in it; none for more than 256 colours.
fn indexed(rgb: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let (mut palette, mut places) = (Vec::new(), HashMap::new());
    let mut indices = Vec::with_capacity(rgb.len() / 3);
    for pixel in rgb.chunks_exact(3) {
        let index = match places.get(pixel) {
            Some(index) => *index,
            None => {
                let index = u8::try_from(places.len()).ok()?;
                places.insert(pixel, index);
                palette.extend(pixel);
                index
            }
        };
        indices.push(index);
    }
    Some((palette, indices))
}

fn svg(figure: &impl Figure) -> Result<Vec<u8>, DrawError> {
    let (width, height) = checked_size(figure)?;
    let text = svg_elements(figure, Some(PAPER))?;
    Ok(format!(
        "<svg width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
         xmlns=\"http://www.w3.org/2000/svg\">\n{text}</svg>\n"
    )
    .into_bytes())
}

/// The elements of an SVG: paper, pictures, then lines and letters.
fn svg_elements(figure: &impl Figure, paper: Option<RGBColor>) -> Result<String, DrawError> {
    let (width, height) = checked_size(figure)?;
    let mut text = String::new();
    let backend = SVGBackend::with_string(&mut text, (width, height));
    let pictures = draw_on(backend, figure, Lettering::Backend, false)?;
    // What plotters wraps around its elements is written by the callers.
    let start = text.find(">\n").map_or(0, |end| end + 2);
    let end = text.rfind("</svg>").unwrap_or(text.len());
    let mut elements = String::new();
    if let Some(RGBColor(red, green, blue)) = paper {
        elements.push_str(&format!(
            "<rect width=\"{width}\" height=\"{height}\" fill=\"#{red:02X}{green:02X}{blue:02X}\"/>\n"
        ));
    }
    for Picture { at, width, rgb } in pictures {
        let height = (rgb.len() / 3) as u32 / width.max(1);
        let file = STANDARD.encode(encode((width, height), &rgb)?);
        elements.push_str(&format!(
            "<image x=\"{}\" y=\"{}\" width=\"{width}\" height=\"{height}\" \
             href=\"data:image/png;base64,{file}\"/>\n",
            at.0, at.1
        ));
    }
    elements.push_str(text.get(start..end).unwrap_or_default());
    // plotters escapes markup in letters, but lets through what no document may hold.
    elements.retain(|letter| !letter.is_control() || letter == '\n');
    Ok(elements)
}

fn draw_on<B: DrawingBackend>(
    backend: B,
    figure: &impl Figure,
    lettering: Lettering,
    paper: bool,
) -> Result<Vec<Picture>, DrawError> {
    register_fonts();
    let area = backend.into_drawing_area();
    let canvas = Canvas::new(&area, lettering);
    let drawn = match paper {
        true => area.fill(&PAPER),
        false => Ok(()),
    };
    drawn
        .and_then(|()| figure.draw(&canvas))
        .and_then(|()| area.present())
        .map_err(|error| DrawError::Backend {
            reason: error.to_string(),
        })?;
    Ok(canvas.into_pictures())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::{Drawn, Ink};

    struct Words {
        size: (u32, u32),
    }

    impl Figure for Words {
        fn size(&self) -> (u32, u32) {
            self.size
        }
        fn draw<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>) -> Drawn<B> {
            canvas.text("Ärger", (5, 5), &Ink::new(30))?;
            canvas.text("Ärger", (5, 45), &Ink::new(30).bold())
        }
    }

    #[test]
    fn a_picture_is_a_png_or_an_svg_by_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let figure = Words { size: (120, 90) };
        let read = |name: &str| {
            let path = folder.path().join(name);
            save(&figure, &path).unwrap();
            std::fs::read(path).unwrap()
        };
        assert!(read("a.PNG").starts_with(b"\x89PNG\r\n\x1a\n"));
        let svg = String::from_utf8(read("a.svg")).unwrap();
        assert!(svg.contains("<svg") && svg.contains("Ärger"));
        let error = save(&figure, &folder.path().join("a.jpeg")).unwrap_err();
        assert!(error.to_string().contains("a.jpeg"), "{error}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn sizes_out_of_range_and_absent_folders_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        for size in [(0, 10), (10, 0), (u32::MAX, u32::MAX)] {
            let error = save(&Words { size }, &folder.path().join("a.png")).unwrap_err();
            let PlotError::Draw { source, .. } = error else {
                panic!("expected Draw, found {error:?}");
            };
            assert!(matches!(source, DrawError::Size { .. }));
        }
        let figure = Words { size: (10, 10) };
        let error = save(&figure, &folder.path().join("absent/a.png")).unwrap_err();
        assert!(matches!(error, PlotError::Write(_)));
        assert!(error.to_string().contains("absent"), "{error}");
    }

    #[test]
    fn pixels_in_an_svg_are_a_png_below_the_letters() {
        struct Both;
        impl Figure for Both {
            fn size(&self) -> (u32, u32) {
                (40, 30)
            }
            fn draw<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>) -> Drawn<B> {
                canvas.text("a<b & \u{7}c", (1, 1), &Ink::new(10))?;
                canvas.pixels((2, 3), 2, vec![0, 0, 0, 255, 0, 0, 0, 9, 0, 255, 0, 0])
            }
        }
        let svg = inline_svg(&Both, "\"two\"").unwrap();
        let (image, letters) = (svg.find("<image").unwrap(), svg.find("<text").unwrap());
        assert!(image < letters && !svg.contains("http"), "{svg}");
        assert!(svg.contains("a&lt;b &amp; c"), "{svg}");
        assert!(svg.contains("aria-label=\"&quot;two&quot;\""), "{svg}");
        let data = svg
            .split("base64,")
            .nth(1)
            .unwrap()
            .split('"')
            .next()
            .unwrap();
        let file = STANDARD.decode(data).unwrap();
        let mut reader = png::Decoder::new(&file[..]);
        reader.set_transformations(png::Transformations::EXPAND);
        let mut reader = reader.read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size()];
        let info = reader.next_frame(&mut pixels).unwrap();
        assert_eq!((info.width, info.height), (2, 2));
        assert_eq!(pixels, [0, 0, 0, 255, 0, 0, 0, 9, 0, 255, 0, 0]);
    }

    #[test]
    fn a_picture_of_many_colours_has_no_palette() {
        let of = |colors: usize| -> Vec<u8> {
            (0..colors)
                .flat_map(|n| [(n % 256) as u8, (n / 256) as u8, 0])
                .collect()
        };
        assert_eq!(indexed(&of(256)).unwrap().1.len(), 256);
        assert_eq!(indexed(&of(257)), None);
        assert!(encode((257, 1), &of(257)).unwrap().starts_with(b"\x89PNG"));
    }

    #[test]
    fn no_name_can_break_out_of_its_place_in_a_page() {
        assert_eq!(
            escape("<b>\"R&B\"'\u{0}\u{1b}\u{ffff}</b>\n"),
            "&lt;b&gt;&quot;R&amp;B&quot;&#39;\u{fffd}\u{fffd}\u{fffd}&lt;/b&gt;\n"
        );
    }
}
