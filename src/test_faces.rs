//! Drawn faces for tests: an oval, two eyes, and a mouth that tells the expression.

/// Names of the expressions that can be drawn.
pub const DRAWN: [&str; 4] = ["happiness", "sadness", "surprise", "neutral"];

/// The gray pixels of a face, 48 x 48, with one of the [`DRAWN`] expressions. Faces of different numbers differ in place,
/// size and light.
pub fn draw(expression: usize, number: usize) -> Vec<u8> {
    let spread = |step: usize| (number * step % 17) as f32 / 16.0 - 0.5;
    let (x0, y0, size) = (
        24.0 + 4.0 * spread(5),
        24.0 + 4.0 * spread(7),
        1.0 + 0.16 * spread(11),
    );
    let (skin, ground) = (170.0 + 80.0 * spread(3), 60.0 + 60.0 * spread(13));
    let mut pixels = Vec::with_capacity(48 * 48);
    for row in 0..48 {
        for column in 0..48 {
            let (x, y) = ((column as f32 - x0) / size, (row as f32 - y0) / size);
            let is_in = |x0: f32, y0: f32, rx: f32, ry: f32| {
                ((x - x0) / rx).powi(2) + ((y - y0) / ry).powi(2) < 1.0
            };
            let bend = match expression {
                0 => -x * x / 16.0,
                1 => x * x / 16.0,
                _ => 0.0,
            };
            let is_mouth = match expression {
                2 => is_in(0.0, 10.0, 4.0, 6.0),
                _ => x.abs() < 9.0 && (y - 11.0 - bend).abs() < 1.6,
            };
            let is_eye = is_in(-7.0, -5.0, 2.5, 2.0) || is_in(7.0, -5.0, 2.5, 2.0);
            pixels.push(match is_in(0.0, 0.0, 18.0, 22.0) {
                false => ground as u8,
                true if is_mouth || is_eye => 20,
                true => skin as u8,
            });
        }
    }
    pixels
}
