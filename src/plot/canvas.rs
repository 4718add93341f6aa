//! What pictures are drawn on, and how they become files.

use super::{
    palette::{INK, PAPER},
    text::{BOLD, Line, REGULAR},
};
use crate::atomic_file::{self, WriteError};
use plotters::{
    coord::Shift,
    drawing::DrawingAreaErrorKind,
    prelude::*,
    style::{
        FontTransform, register_font,
        text_anchor::{HPos, Pos, VPos},
    },
};
use std::{
    io::Write,
    path::{Path, PathBuf},
    sync::OnceLock,
};

/// Name of the typeface, [DejaVu Sans](https://dejavu-fonts.github.io), a part of which is inside the program.
pub const FONT: &str = "DejaVu Sans";

/// Largest width or height of a picture in pixels.
const MAX_SIDE: u32 = 16_384;

/// What drawing gives on the backend `B`.
pub type Drawn<B> = Result<(), DrawingAreaErrorKind<<B as DrawingBackend>::ErrorType>>;

/// A picture.
pub trait Figure {
    /// Width and height in pixels.
    fn size(&self) -> (u32, u32);

    /// Draws it. The canvas is blank.
    ///
    /// # Errors
    /// What the backend says; pass it on.
    fn draw<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>) -> Drawn<B>;
}

/// Why a picture was not made.
#[derive(Debug, thiserror::Error)]
pub enum PlotError {
    /// The name of the file ends neither in `.png` nor in `.svg`.
    #[error("{}: expected the name of a picture to end in .png or .svg", path.display())]
    Format {
        /// The file asked for.
        path: PathBuf,
    },
    /// The picture is too small or too large to draw.
    #[error("{}: expected a picture of 1 to {MAX_SIDE} pixels each way, found {} x {}", path.display(), size.0, size.1)]
    Size {
        /// The file asked for.
        path: PathBuf,
        /// Width and height asked for.
        size: (u32, u32),
    },
    /// plotters could not draw it.
    #[error("{}: cannot draw the picture ({reason})", path.display())]
    Draw {
        /// The file asked for.
        path: PathBuf,
        /// What plotters said.
        reason: String,
    },
    /// The file cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// Draws `figure` and writes it to `path`, as PNG or SVG by the name's ending. A file that was there is replaced once
/// the new one is whole.
///
/// # Errors
/// [`PlotError`].
pub fn save(figure: &impl Figure, path: &Path) -> Result<(), PlotError> {
    let ending = path.extension().and_then(|ending| ending.to_str());
    let bytes = match ending.map(str::to_ascii_lowercase).as_deref() {
        Some("png") => png(figure, path)?,
        Some("svg") => svg(figure, path)?,
        _ => {
            return Err(PlotError::Format {
                path: path.to_owned(),
            });
        }
    };
    Ok(atomic_file::write(path, |file| file.write_all(&bytes))?)
}

fn checked_size(figure: &impl Figure, path: &Path) -> Result<(u32, u32), PlotError> {
    let size = figure.size();
    let sides = 1..=MAX_SIDE;
    if sides.contains(&size.0) && sides.contains(&size.1) {
        Ok(size)
    } else {
        Err(PlotError::Size {
            path: path.to_owned(),
            size,
        })
    }
}

fn png(figure: &impl Figure, path: &Path) -> Result<Vec<u8>, PlotError> {
    let failed = |reason: String| PlotError::Draw {
        path: path.to_owned(),
        reason,
    };
    let size = checked_size(figure, path)?;
    let mut pixels = vec![0; 3 * size.0 as usize * size.1 as usize];
    draw_on(
        BitMapBackend::with_buffer(&mut pixels, size),
        figure,
        Lettering::Pixels,
    )
    .map_err(|error| failed(error.to_string()))?;
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, size.0, size.1);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_source_srgb(png::SrgbRenderingIntent::Perceptual);
    let mut writer = encoder
        .write_header()
        .map_err(|error| failed(error.to_string()))?;
    writer
        .write_image_data(&pixels)
        .and_then(|()| writer.finish())
        .map_err(|error| failed(error.to_string()))?;
    Ok(file)
}

fn svg(figure: &impl Figure, path: &Path) -> Result<Vec<u8>, PlotError> {
    let size = checked_size(figure, path)?;
    let mut text = String::new();
    draw_on(
        SVGBackend::with_string(&mut text, size),
        figure,
        Lettering::Backend,
    )
    .map_err(|error| PlotError::Draw {
        path: path.to_owned(),
        reason: error.to_string(),
    })?;
    Ok(text.into_bytes())
}

fn draw_on<B: DrawingBackend>(backend: B, figure: &impl Figure, lettering: Lettering) -> Drawn<B> {
    register_fonts();
    let area = backend.into_drawing_area();
    area.fill(&PAPER)?;
    figure.draw(&Canvas {
        area: &area,
        lettering,
    })?;
    area.present()
}

/// Tells plotters of the typeface, once. [`save`] does it by itself; call it before drawing with plotters directly.
pub fn register_fonts() {
    static DONE: OnceLock<()> = OnceLock::new();
    DONE.get_or_init(|| {
        for (style, bytes) in [(FontStyle::Normal, REGULAR), (FontStyle::Bold, BOLD)] {
            // The bytes are inside the program and known to be a font: a test draws with both.
            let _ = register_font(FONT, style, bytes);
        }
    });
}

/// How a text looks. By default in [`INK`], regular, its left end at the point given and its upper edge there.
#[derive(Clone)]
pub struct Ink {
    size: u32,
    color: RGBColor,
    bold: bool,
    upright: bool,
    horizontal: HPos,
    vertical: VPos,
}

impl Ink {
    /// Text of `size` pixels from the highest to the lowest letter.
    pub fn new(size: u32) -> Self {
        Self {
            size,
            color: INK,
            bold: false,
            upright: false,
            horizontal: HPos::Left,
            vertical: VPos::Top,
        }
    }

    /// In another colour.
    pub fn color(self, color: RGBColor) -> Self {
        Self { color, ..self }
    }

    /// In bold letters.
    pub fn bold(self) -> Self {
        Self { bold: true, ..self }
    }

    /// Centred on the point from left to right.
    pub fn centred(self) -> Self {
        Self {
            horizontal: HPos::Center,
            ..self
        }
    }

    /// Ends at the point.
    pub fn right(self) -> Self {
        Self {
            horizontal: HPos::Right,
            ..self
        }
    }

    /// Centred on the point from top to bottom.
    pub fn middle(self) -> Self {
        Self {
            vertical: VPos::Center,
            ..self
        }
    }

    /// Stands on the point.
    pub fn bottom(self) -> Self {
        Self {
            vertical: VPos::Bottom,
            ..self
        }
    }

    /// Read from bottom to top.
    pub fn upwards(self) -> Self {
        Self {
            upright: true,
            ..self
        }
    }

    fn style(&self) -> TextStyle<'_> {
        let weight = if self.bold {
            FontStyle::Bold
        } else {
            FontStyle::Normal
        };
        let turn = if self.upright {
            FontTransform::Rotate270
        } else {
            FontTransform::None
        };
        let font = FontDesc::new(FontFamily::Name(FONT), f64::from(self.size), weight);
        let style = TextStyle::from(font.transform(turn));
        style
            .color(&self.color)
            .pos(Pos::new(self.horizontal, self.vertical))
    }
}

/// A blank sheet; the point (0, 0) is its upper left corner.
pub struct Canvas<'a, B: DrawingBackend> {
    area: &'a DrawingArea<B, Shift>,
    lettering: Lettering,
}

/// Who draws letters.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lettering {
    /// We do, pixel by pixel.
    Pixels,
    /// The backend does.
    Backend,
}

impl<B: DrawingBackend> Canvas<'_, B> {
    /// The sheet as plotters sees it, for charts of its own.
    pub fn area(&self) -> &DrawingArea<B, Shift> {
        self.area
    }

    /// A line of text at a point.
    ///
    /// # Errors
    /// What the backend says.
    pub fn text(&self, text: &str, at: (i32, i32), ink: &Ink) -> Drawn<B> {
        if self.lettering == Lettering::Backend {
            return self.area.draw_text(text, &ink.style(), at);
        }
        let line = Line::new(text, ink.size, ink.bold);
        let along = match ink.horizontal {
            HPos::Left => 0.0,
            HPos::Center => -0.5 * line.width,
            HPos::Right => -line.width,
        };
        let down = match ink.vertical {
            VPos::Top => line.ascent,
            VPos::Center => 0.5 * line.digit_height,
            VPos::Bottom => -line.descent,
        };
        let (start, base) = (along.floor() as i32, down.round() as i32);
        line.cover(along - along.floor(), |x, y, share| {
            let (along, down) = (start + x, base + y);
            let (x, y) = if ink.upright {
                (down, -along)
            } else {
                (along, down)
            };
            let color = ink.color.mix(f64::from(share));
            self.area.draw_pixel((at.0 + x, at.1 + y), &color)
        })
    }

    /// Width of a text in pixels, rounded up.
    pub fn text_width(&self, text: &str, ink: &Ink) -> u32 {
        Line::new(text, ink.size, ink.bold).width.ceil() as u32
    }

    /// As much of `text` as fits into `width` pixels, with an ellipsis where something is missing.
    pub fn fit(&self, text: &str, width: u32, ink: &Ink) -> String {
        if self.text_width(text, ink) <= width {
            return text.to_owned();
        }
        let mut kept: Vec<char> = text.chars().take(width as usize).collect();
        while kept.pop().is_some() {
            let shorter = kept.iter().collect::<String>() + "…";
            if self.text_width(&shorter, ink) <= width {
                return shorter;
            }
        }
        String::new()
    }

    /// A line one pixel wide.
    ///
    /// # Errors
    /// What the backend says.
    pub fn line(&self, from: (i32, i32), to: (i32, i32), color: &impl Color) -> Drawn<B> {
        self.area
            .draw(&PathElement::new([from, to], color.stroke_width(1)))
    }

    /// The outline of a rectangle, its corners included.
    ///
    /// # Errors
    /// What the backend says.
    pub fn frame(&self, corner: (i32, i32), opposite: (i32, i32), color: &impl Color) -> Drawn<B> {
        let shape = Rectangle::new([corner, opposite], color.stroke_width(1));
        self.area.draw(&shape)
    }

    /// Pixels with their upper left corner at `at`: rows of red, green and blue bytes, `width` pixels each.
    ///
    /// # Errors
    /// What the backend says.
    pub fn pixels(&self, at: (i32, i32), width: u32, rgb: Vec<u8>) -> Drawn<B> {
        let height = rgb.len() / 3 / width.max(1) as usize;
        match BitMapElement::with_owned_buffer(at, (width, height as u32), rgb) {
            Some(bitmap) => {
                let bitmap: BitMapElement<'_, _> = bitmap;
                self.area.draw(&bitmap)
            }
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

    fn drawn(figure: &impl Figure) -> Vec<u8> {
        let (width, height) = figure.size();
        let mut pixels = vec![0; 3 * (width * height) as usize];
        let backend = BitMapBackend::with_buffer(&mut pixels, (width, height));
        draw_on(backend, figure, Lettering::Pixels).unwrap();
        pixels
    }

    /// Left, right, upper and lower end of what is not paper.
    fn bounds(pixels: &[u8], width: usize) -> [usize; 4] {
        let (mut x, mut y) = (Vec::new(), Vec::new());
        for (index, pixel) in pixels.chunks_exact(3).enumerate() {
            if pixel.iter().any(|value| *value < 200) {
                x.push(index % width);
                y.push(index / width);
            }
        }
        let ends = |of: &[usize]| (*of.iter().min().unwrap(), *of.iter().max().unwrap());
        let ((left, right), (top, bottom)) = (ends(&x), ends(&y));
        [left, right, top, bottom]
    }

    #[test]
    fn text_stands_where_it_is_anchored() {
        struct At(Ink);
        impl Figure for At {
            fn size(&self) -> (u32, u32) {
                (200, 200)
            }
            fn draw<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>) -> Drawn<B> {
                canvas.text("1234", (100, 100), &self.0)
            }
        }
        let bounds = |ink| bounds(&drawn(&At(ink)), 200);
        let near = |found: usize, expected: usize| found.abs_diff(expected) <= 3;
        let [left, right, top, bottom] = bounds(Ink::new(30).centred().middle());
        assert!(near(left + right, 200) && near(top + bottom, 200));
        assert!(right - left > bottom - top);
        assert!(near(bounds(Ink::new(30))[0], 100) && bounds(Ink::new(30))[2] >= 100);
        assert!(near(bounds(Ink::new(30).right())[1], 100));
        assert!(bounds(Ink::new(30).bottom())[3] <= 100);
        let [left, right, top, bottom] = bounds(Ink::new(30).upwards().centred().middle());
        assert!(near(left + right, 200) && near(top + bottom, 200));
        assert!(bottom - top > right - left);
    }

    #[test]
    fn a_text_that_is_too_long_ends_in_an_ellipsis() {
        struct Long;
        impl Figure for Long {
            fn size(&self) -> (u32, u32) {
                (10, 10)
            }
            fn draw<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>) -> Drawn<B> {
                let ink = Ink::new(20);
                let fitted = canvas.fit(&"song ".repeat(100), 150, &ink);
                assert!(
                    fitted.starts_with("song") && fitted.ends_with('…'),
                    "{fitted}"
                );
                assert!(canvas.text_width(&fitted, &ink) <= 150);
                assert_eq!(canvas.fit("song", 150, &ink), "song");
                assert_eq!(canvas.fit("song", 0, &ink), "");
                Ok(())
            }
        }
        drawn(&Long);
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
            assert!(matches!(error, PlotError::Size { .. }));
        }
        let figure = Words { size: (10, 10) };
        let error = save(&figure, &folder.path().join("absent/a.png")).unwrap_err();
        assert!(matches!(error, PlotError::Write(_)));
        assert!(error.to_string().contains("absent"), "{error}");
    }
}
