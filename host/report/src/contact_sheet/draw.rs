//! The drawing of a contact sheet.

use physrep_benchmarks::systems::{DomainAxis, System};

use super::{quantity::Quantity, trajectories::Trajectories};
use crate::{
    error::{Error, Result},
    number::number,
    picture::{Align, Canvas, Colours, Raster, Rgb, Style},
};

/// The sheet's width in pixels.
const WIDTH: usize = 1600;
const MARGIN: usize = 36;
/// Space for a row's parameters, and for the ticks of its y axis.
const LABELS: usize = 150;
const TICKS: usize = 52;
/// Between panels.
const GAP: usize = 12;
/// The title's lines above the times, and the x axis below.
const HEADER: usize = 128;
const FOOTER: usize = 62;
/// The colour bar, the space before it, and that of its labels.
const BAR: usize = 20;
const BAR_GAP: usize = 30;
const BAR_LABELS: usize = 78;

const INK: Rgb = [34, 34, 34];
const FAINT: Rgb = [110, 110, 110];
const EDGE: Rgb = [120, 120, 120];

const TITLE: Style = Style { size: 33.0, colour: INK, bold: true };
const SUBTITLE: Style = Style { size: 18.0, colour: FAINT, bold: false };
const STRONG: Style = Style { size: 20.0, colour: INK, bold: true };
const NORMAL: Style = Style { size: 19.0, colour: INK, bold: false };
const SMALL: Style = Style { size: 17.0, colour: FAINT, bold: false };

/// The number of columns with which a sheet of `rows` panels of the domain's shape is about 1000 pixels high.
pub fn columns(axes: &[DomainAxis; 2], rows: usize) -> usize {
    let height = |columns: usize| rows * (panel(axes, columns)[1] + GAP);
    (4..=8).min_by_key(|&columns| height(columns).abs_diff(1000)).unwrap_or(6)
}

/// Width and height of one panel; the domain's true aspect ratio.
fn panel(axes: &[DomainAxis; 2], columns: usize) -> [usize; 2] {
    let inside = WIDTH - 2 * MARGIN - LABELS - TICKS - BAR_GAP - BAR - BAR_LABELS;
    let width = (inside - GAP * (columns - 1)) / columns;
    let height = (width as f64 * axes[1].length / axes[0].length).round() as usize;
    [width, height.clamp(8, 8 * width)]
}

/// Draws the sheet of `quantity` of a system as a PNG file: one row per trajectory, one column per time.
///
/// # Errors
///
/// [`Error::Png`] if the picture cannot be encoded.
pub fn draw(system: &dyn System, quantity: &Quantity, trajectories: &Trajectories) -> Result<Vec<u8>> {
    let axes = system.axes();
    let rows = &trajectories.rows;
    let columns = rows.iter().map(|trajectory| trajectory.frames.len()).max().unwrap_or(1).max(1);
    let [width, height] = panel(&axes, columns);
    let bottom = HEADER + rows.len() * (height + GAP) - GAP;
    let mut canvas = Canvas::new(WIDTH, bottom + FOOTER);
    let values = rows.iter().flat_map(|trajectory| trajectory.frames.iter().flatten()).copied();
    let colours = Colours::of(&quantity.name, values);
    let raster = Raster::new(&axes, trajectories.grid, [width, height]);
    title(&mut canvas, system, quantity, &trajectories.origin);
    let left = MARGIN + LABELS + TICKS;
    for (row, trajectory) in rows.iter().enumerate() {
        let top = HEADER + row * (height + GAP);
        parameters(&mut canvas, system, &trajectory.parameters, top, height);
        for (column, (values, time)) in trajectory.frames.iter().zip(&trajectory.times).enumerate() {
            let x = left + column * (width + GAP);
            for (p, value) in raster.sample(values).into_iter().enumerate() {
                canvas.set(x + p % width, top + p / width, colours.colour(value));
            }
            canvas.frame(x, top, width, height, EDGE);
            if row == 0 {
                canvas.text(&format!("t = {}", number(*time)), x + width / 2, top - 22, Align::Centre, NORMAL);
            }
            if row + 1 == rows.len() {
                x_axis(&mut canvas, &axes[0], x, bottom, width);
            }
        }
        y_axis(&mut canvas, &axes[1], left, top, height);
    }
    bar(&mut canvas, &colours, left + columns * (width + GAP) - GAP + BAR_GAP, HEADER, bottom - HEADER);
    canvas.png().map_err(Error::png(format!("contact sheet of {}", system.name())))
}

/// The system and the quantity on one line, and the origin of the trajectories below.
fn title(canvas: &mut Canvas, system: &dyn System, quantity: &Quantity, origin: &str) {
    let name = system.name().replace('_', " ");
    canvas.text(&name, MARGIN, 42, Align::Left, TITLE);
    let beside = MARGIN + canvas.text_width(&name, TITLE) as usize + 22;
    canvas.text(&quantity.name.replace('_', " "), beside, 43, Align::Left, Style { bold: false, ..TITLE });
    canvas.text(origin, MARGIN, 76, Align::Left, SUBTITLE);
}

/// The parameters of a row, left of it: each name above its value, or beside it where the row is too low for that.
fn parameters(canvas: &mut Canvas, system: &dyn System, values: &[f64], top: usize, height: usize) {
    let tall = height >= 50 * values.len();
    let step = if tall { 50 } else { 25 };
    let widths = system.parameters().iter().map(|parameter| canvas.text_width(parameter.name, SMALL));
    let beside = MARGIN + widths.fold(0.0, f32::max).ceil() as usize + 10;
    for (line, (parameter, value)) in system.parameters().iter().zip(values).enumerate() {
        let y = (top + height / 2 + step * line + step / 2).saturating_sub(step * values.len() / 2);
        let (name, value) = (parameter.name, number(*value));
        if tall {
            canvas.text(name, MARGIN, y - 12, Align::Left, SMALL);
            canvas.text(&value, MARGIN, y + 12, Align::Left, STRONG);
        } else {
            canvas.text(name, MARGIN, y, Align::Left, SMALL);
            canvas.text(&value, beside, y, Align::Left, STRONG);
        }
    }
}

/// The domain's two ends under a panel, and the axis's name between them.
fn x_axis(canvas: &mut Canvas, axis: &DomainAxis, x: usize, y: usize, width: usize) {
    for (at, value, align) in [(0, axis.start, Align::Left), (width - 1, axis.start + axis.length, Align::Right)] {
        canvas.fill(x + at, y + 1, 1, 6, EDGE);
        canvas.text(&number(value), x + at, y + 20, align, SMALL);
    }
    canvas.text(&axis.name, x + width / 2, y + 20, Align::Centre, SMALL);
}

/// The domain's two ends left of a panel, and the axis's name between them if there is room.
fn y_axis(canvas: &mut Canvas, axis: &DomainAxis, x: usize, y: usize, height: usize) {
    for (at, shift, value) in [(height - 1, -6, axis.start), (0, 7, axis.start + axis.length)] {
        canvas.fill(x - 7, y + at, 6, 1, EDGE);
        canvas.text(&number(value), x - 12, (y + at).saturating_add_signed(shift), Align::Right, SMALL);
    }
    if height >= 56 {
        canvas.text(&axis.name, x - 12, y + height / 2, Align::Right, SMALL);
    }
}

/// The colour bar with its ticks, and a remark where values lie beyond its ends.
fn bar(canvas: &mut Canvas, colours: &Colours, x: usize, y: usize, height: usize) {
    // A longer bar is harder to read, not easier.
    let length = height.min(620);
    let y = y + (height - length) / 2;
    let value = |row: usize| colours.high - (colours.high - colours.low) * (row as f64 + 0.5) / length as f64;
    for row in 0..length {
        canvas.fill(x, y + row, BAR, 1, colours.colour(value(row)));
    }
    canvas.frame(x, y, BAR, length, EDGE);
    for tick in colours.ticks() {
        let row = ((colours.high - tick) / (colours.high - colours.low) * length as f64).round() as usize;
        let at = y + row.min(length - 1);
        canvas.fill(x + BAR + 1, at, 6, 1, EDGE);
        canvas.text(&number(tick), x + BAR + 13, at, Align::Left, SMALL);
    }
    for (beyond, sign, at) in
        [(colours.beyond[1], "and above", y - 16), (colours.beyond[0], "and below", y + length + 15)]
    {
        if beyond {
            canvas.text(sign, x, at, Align::Left, SMALL);
        }
    }
}
