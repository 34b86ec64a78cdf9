//! The bytes of a pickle, read from the front.

/// What a step gives, or what is wrong.
pub(super) type Step<T = ()> = Result<T, String>;

/// The bytes of a pickle that are not read yet.
pub(super) struct Input<'a> {
    pub bytes: &'a [u8],
    /// How many are read.
    pub at: usize,
}

impl<'a> Input<'a> {
    pub fn take(&mut self, count: usize) -> Step<&'a [u8]> {
        let end = self.at.checked_add(count).filter(|&end| end <= self.bytes.len()).ok_or("it ends too early")?;
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    pub fn array<const N: usize>(&mut self) -> Step<[u8; N]> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    /// A number of `N` bytes, 8 at most.
    pub fn number<const N: usize>(&mut self) -> Step<u64> {
        let mut wide = [0; 8];
        wide[..N].copy_from_slice(self.take(N)?);
        Ok(u64::from_le_bytes(wide))
    }

    pub fn length<const N: usize>(&mut self) -> Step<usize> {
        usize::try_from(self.number::<N>()?).map_err(|_| "a length beyond its end".into())
    }

    pub fn line(&mut self) -> Step<&'a str> {
        let rest = &self.bytes[self.at..];
        let end = rest.iter().position(|&byte| byte == b'\n').ok_or("it ends too early")?;
        self.at += end + 1;
        std::str::from_utf8(&rest[..end]).map_err(|_| "a name that is not UTF-8".into())
    }
}
