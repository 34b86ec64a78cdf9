//! One channel of a clip, and its statistics in space and time.

/// The lower bound of powers in logarithms: the squared precision of an `f32` field of order one.
const FLOOR: f64 = 1e-14;

/// One channel of a clip, `(T, H, W)`, with its mean and variance over space and time.
pub(super) struct Field {
    pub(super) values: Vec<f64>,
    /// Cells per frame, `H W`.
    pub(super) cells: usize,
    width: usize,
    mean: f64,
    variance: f64,
}

impl Field {
    pub(super) fn new(values: &[f32], [height, width]: [usize; 2]) -> Self {
        let values: Vec<f64> = values.iter().map(|&value| f64::from(value)).collect();
        let (mean, variance) = (mean(&values), variance(&values));
        Self { values, cells: height * width, width, mean, variance }
    }

    /// Whether the field varies by more than the precision of its own values.
    fn varies(&self) -> bool {
        self.variance > FLOOR + (f64::from(f32::EPSILON) * self.mean).powi(2)
    }

    /// Mean, standard deviation, skewness and excess kurtosis over space and time; the last two are zero for a constant field.
    pub(super) fn moments(&self) -> [f64; 4] {
        let std = self.variance.sqrt();
        if !self.varies() {
            return [self.mean, std, 0.0, 0.0];
        }
        let standardised = self.values.iter().map(|x| (x - self.mean) / std);
        let (cubes, fourths) =
            standardised.fold((0.0, 0.0), |(cubes, fourths), z| (cubes + z.powi(3), fourths + z.powi(4)));
        let count = self.values.len() as f64;
        [self.mean, std, cubes / count, fourths / count - 3.0]
    }

    /// Spatial standard deviation of the first and of the last frame, and the logarithm of their ratio, last to first.
    pub(super) fn decay(&self) -> [f64; 3] {
        let first = variance(&self.values[..self.cells]);
        let last = variance(&self.values[self.values.len() - self.cells..]);
        [first.sqrt(), last.sqrt(), (log(last) - log(first)) / 2.0]
    }

    /// Logarithms of the mean squared difference between neighbours in time, along H and along W.
    pub(super) fn differences(&self) -> [f64; 3] {
        let frames = || self.values.chunks_exact(self.cells);
        let rows = self.values.chunks_exact(self.width);
        let in_time = mean_square(self.values.iter().zip(&self.values[self.cells..]));
        let along_h = mean_square(frames().flat_map(|frame| frame.iter().zip(&frame[self.width..])));
        let along_w = mean_square(rows.flat_map(|row| row.iter().zip(&row[1..])));
        [log(in_time), log(along_h), log(along_w)]
    }

    /// Pearson's correlation over space and time; zero if one of the two is constant.
    pub(super) fn correlation(&self, other: &Field) -> f64 {
        if !self.varies() || !other.varies() {
            return 0.0;
        }
        let pairs = self.values.iter().zip(&other.values);
        let covariance: f64 = pairs.map(|(a, b)| (a - self.mean) * (b - other.mean)).sum();
        covariance / self.values.len() as f64 / (self.variance * other.variance).sqrt()
    }
}

/// The natural logarithm of a power, bounded below.
pub(super) fn log(power: f64) -> f64 {
    power.max(FLOOR).ln()
}

pub(super) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn variance(values: &[f64]) -> f64 {
    let mean = mean(values);
    values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / values.len() as f64
}

fn mean_square<'a>(pairs: impl Iterator<Item = (&'a f64, &'a f64)>) -> f64 {
    let (sum, count) = pairs.fold((0.0, 0u64), |(sum, count), (a, b)| (sum + (b - a).powi(2), count + 1));
    sum / count as f64
}
