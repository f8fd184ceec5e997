"""Uploads as people have them: each small file is read right, or asked about."""

import io
import zipfile

import numpy as np
import pandas as pd
import pytest

from synthfin_core.data.hints import NO_DATES
from synthfin_core.data.reading import FORMATS, ReadingHints, read_frame, read_path, read_table
from synthfin_core.errors import DataError, SettingError, SourceError

DAYS = ["2020-01-02", "2020-01-03", "2020-01-06"]
CLOSE = [1234.5, 1240.25, 1238.0]
PLAIN = "Date,Close\n2020-01-02,1234.5\n2020-01-03,1240.25\n2020-01-06,1238\n"
GERMAN = "Datum;Schlußkurs\n02.01.2020;1.234,5\n03.01.2020;1.240,25\n06.01.2020;1.238\n13.01.2020;1.239\n"


def read(text, name="prices.csv", **hints):
    content = text if isinstance(text, bytes) else text.encode()
    return read_table(name, content, ReadingHints(**hints))


# Each holds the same three closes on the same three days.
SAME = {
    "comma": PLAIN,
    "semicolon": PLAIN.replace(",", ";"),
    "tab": PLAIN.replace(",", "\t"),
    "bar": PLAIN.replace(",", "|"),
    "spaces": PLAIN.replace(",", "  "),
    "windows line ends": PLAIN.replace("\n", "\r\n"),
    "byte order mark": b"\xef\xbb\xbf" + PLAIN.encode(),
    "utf-16": PLAIN.encode("utf-16"),
    "utf-16 without mark": PLAIN.encode("utf-16-le"),
    "quoted": 'Date,Close\n"2020-01-02","1,234.5"\n"2020-01-03","1,240.25"\n"2020-01-06","1,238"\n',
    "quoted after a space": 'Date, Close\n2020-01-02, "1,234.5"\n2020-01-03, "1,240.25"\n2020-01-06, "1,238"\n',
    "decimal comma": "Date;Close\n02.01.2020;1234,5\n03.01.2020;1240,25\n06.01.2020;1238\n",
    "decimal comma, thousands": "Date;Close\n02.01.2020;1.234,5\n03.01.2020;1.240,25\n06.01.2020;1.238\n",
    "thousands by space": "Date;Close\n02.01.2020;1 234,5\n03.01.2020;1\u00a0240,25\n06.01.2020;1 238\n",
    "thousands by apostrophe": "Date;Close\n2020-01-02;1'234.5\n2020-01-03;1'240.25\n2020-01-06;1'238\n",
    "currency": "Date,Close\n2020-01-02,$1234.5\n2020-01-03,USD 1240.25\n2020-01-06,1238 €\n",
    "thousand as k": "Date,Close\n2020-01-02,1.2345k\n2020-01-03,1.24025K\n2020-01-06,1238\n",
    "slashes": "Date,Close\n2020/01/02,1234.5\n2020/01/03,1240.25\n2020/01/06,1238\n",
    "digits": "Date,Close\n20200102,1234.5\n20200103,1240.25\n20200106,1238\n",
    "month names": 'Date,Close\n"Jan 2, 2020",1234.5\n"Jan 3, 2020",1240.25\n"Jan 6, 2020",1238\n',
    "short months": "Date,Close\n02-Jan-20,1234.5\n03-Jan-20,1240.25\n06-Jan-20,1238\n",
    "times": "Date,Close\n2020-01-02 00:00:00,1234.5\n2020-01-03 00:00:00,1240.25\n2020-01-06 00:00:00,1238\n",
    "time zones": "Date,Close\n2020-01-02T00:00:00-05:00,1234.5\n2020-01-03T00:00:00-05:00,1240.25\n"
    "2020-01-06T00:00:00-04:00,1238\n",
    "seconds": "timestamp,Close\n1577923200,1234.5\n1578009600,1240.25\n1578268800,1238\n",
    "spreadsheet days": "Date,Close\n43832,1234.5\n43833,1240.25\n43836,1238\n",
    "index without a name": ",Close\n2020-01-02,1234.5\n2020-01-03,1240.25\n2020-01-06,1238\n",
    "no cell for the index": "Close\n2020-01-02,1234.5\n2020-01-03,1240.25\n2020-01-06,1238\n",
    "dates last": "Close,Date\n1234.5,2020-01-02\n1240.25,2020-01-03\n1238,2020-01-06\n",
    "newest first": "Date,Close\n2020-01-06,1238\n2020-01-03,1240.25\n2020-01-02,1234.5\n",
    "shuffled": "Date,Close\n2020-01-06,1238\n2020-01-02,1234.5\n2020-01-03,1240.25\n",
    "date twice": PLAIN.replace("2020-01-03", "2020-01-03,1\n2020-01-03"),
    "total row": PLAIN + "Total,3712.75\n",
    "total without a name": PLAIN + ",3712.75\n",
    "footnote": PLAIN + "Source: an exchange,\n",
    "title above": "Prices of one share\nmade by hand\n\n" + PLAIN,
    "empty rows": PLAIN.replace("2020-01-06", ",\n,\n2020-01-06"),
    "separator at the end of rows": PLAIN.replace("\n", ",\n"),
    "text column": "Date,Close,Note\n2020-01-02,1234.5,up\n2020-01-03,1240.25,up\n2020-01-06,1238,down\n",
    "empty column": "Date,Close,Open\n2020-01-02,1234.5,\n2020-01-03,1240.25,N/A\n2020-01-06,1238,-\n",
    "one long": "Date,Ticker,Close\n2020-01-02,X,1234.5\n2020-01-03,X,1240.25\n2020-01-06,X,1238\n",
    "yfinance": "Price,Close\nTicker,X\nDate,\n2020-01-02,1234.5\n2020-01-03,1240.25\n2020-01-06,1238\n",
    "angle brackets": "<Date>,<Close>\n20200102,1234.5\n20200103,1240.25\n20200106,1238\n",
}  # fmt: skip


@pytest.mark.parametrize("content", SAME.values(), ids=SAME.keys())
def test_the_same_data_in_every_dress(content):
    reading = read(content)
    frame = reading.panel.frame
    assert [str(day.date()) for day in frame.index] == DAYS
    assert list(frame.columns) == ["Close"]
    np.testing.assert_allclose(frame["Close"], CLOSE, rtol=1e-12)
    assert reading.panel.kinds == {"Close": "price"}
    assert reading.panel.name == "prices"
    assert reading.panel.notes == reading.notes
    assert all(note.endswith(".") for note in reading.notes)


NOTES = {
    "newest first": "Sorted newest-first rows into date order.",
    "shuffled": "Sorted the rows into date order.",
    "date twice": "Dropped 1 row whose date comes again; the last row of each was kept.",
    "total row": "Dropped 1 row at the end that looks like a total.",
    "total without a name": "Dropped 1 row at the end that looks like a total.",
    "title above": "Skipped 2 lines above the table.",
    "empty rows": "Left out 2 empty rows.",
    "text column": "Left out 1 column without numbers: Note.",
    "empty column": "Left out 1 column without a single value: Open.",
    "currency": "Left out the currency in 3 cells of Close.",
    "decimal comma": "Read numbers with a decimal comma.",
    "yfinance": "All columns belong to X.",
}


@pytest.mark.parametrize(("dress", "note"), NOTES.items())
def test_what_was_done_is_said_in_words(dress, note):
    assert note in read(SAME[dress]).notes


@pytest.mark.parametrize("dress", ["comma", "tab", "utf-16", "index without a name", "slashes"])
def test_nothing_is_said_or_asked_where_nothing_was_done(dress):
    reading = read(SAME[dress])
    assert reading.notes == ()
    assert reading.questions == ()


def test_windows_text_is_noted():
    reading = read(GERMAN.encode("cp1252"))
    assert reading.panel.columns == ("Schlußkurs",)
    assert "code page 1252" in reading.notes[0]


def test_missing_cells_in_every_notation():
    cells = ["N/A", "-", "", "nan", "#N/A", "null", "–", "."]
    rows = "".join(f"2020-01-{day:02},{cell},{day}.5\n" for day, cell in enumerate(cells, start=1))
    reading = read("Date,A,B\n" + rows + "2020-01-20,1.5,2\n2020-01-21,1.6,3\n")
    assert reading.panel.frame["A"].isna().sum() == 8
    assert "Missing values: A 8." in reading.notes


def test_cells_that_are_no_numbers_count_as_missing():
    reading = read(PLAIN + "2020-01-07,halted\n2020-01-08,12,5\n".replace("12,5", '"12,5"'))
    assert reading.panel.frame["Close"].isna().sum() == 2
    assert "2 cells of Close can't be read as a number (first: 'halted') and count as missing." in reading.notes


def test_percentages_become_shares_and_brackets_negative():
    reading = read("Date,Change %,P&L\n2020-01-02,1.5%,(2.5)\n2020-01-03,-2.5 %,3\n2020-01-06,−1%,-4\n")
    assert reading.panel.frame["Change %"].tolist() == pytest.approx([0.015, -0.025, -0.01])
    assert reading.panel.frame["P&L"].tolist() == [-2.5, 3, -4]
    assert reading.panel.kind == "return"
    assert "Read 3 percentages of Change % as shares: 1 % is 0.01." in reading.notes


def test_ohlcv_of_one_ticker():
    reading = read(
        "Price,Close,High,Low,Open,Volume\nTicker,AAPL,AAPL,AAPL,AAPL,AAPL\nDate,,,,,\n"
        "2020-01-02,72.7,72.8,71.4,71.7,135480400\n2020-01-03,72.0,72.7,71.7,71.9,146322800\n"
    )
    assert reading.panel.columns == ("Close", "High", "Low", "Open", "Volume")
    assert reading.panel.kinds["Volume"] == "volume"
    assert reading.panel.kinds["High"] == "price"


@pytest.mark.parametrize(
    "text",
    [
        "Price,Close,Close,Volume,Volume\nTicker,AAPL,MSFT,AAPL,MSFT\nDate,,,,\n"
        "2020-01-02,72.7,153.3,135480400,22622100\n2020-01-03,72.0,151.4,146322800,21116200\n",
        ",AAPL,AAPL,MSFT,MSFT\nDate,Close,Volume,Close,Volume\n"
        "2020-01-02,72.7,135480400,153.3,22622100\n2020-01-03,72.0,146322800,151.4,21116200\n",
        ",AAPL,,MSFT,\nDate,Close,Volume,Close,Volume\n"
        "2020-01-02,72.7,135480400,153.3,22622100\n2020-01-03,72.0,146322800,151.4,21116200\n",
        "Date,Ticker,Close,Volume\n2020-01-02,AAPL,72.7,135480400\n2020-01-02,MSFT,153.3,22622100\n"
        "2020-01-03,AAPL,72.0,146322800\n2020-01-03,MSFT,151.4,21116200\n",
    ],
    ids=["yfinance", "by ticker", "merged cells", "long"],
)
def test_several_fields_of_several_tickers_are_asked_about(text):
    reading = read(text)
    assert reading.panel.frame.to_dict("list") == {"AAPL": [72.7, 72.0], "MSFT": [153.3, 151.4]}
    (question,) = reading.questions
    assert (question.key, question.assumed, question.choices) == ("value_column", "Close", ("Close", "Volume"))
    other = read(text, value_column="Volume")
    assert other.panel.frame["MSFT"].tolist() == [22622100, 21116200]
    assert other.panel.kind == "volume"
    assert other.questions[0].assumed == "Volume"


def test_long_tables_become_wide():
    rows = [(day, name) for day in DAYS for name in ("600519", "1")]
    text = "date,symbol,value\n" + "".join(f"{d},{n},{i}.5\n" for i, (d, n) in enumerate(rows))
    reading = read(text)
    assert reading.panel.frame.to_dict("list") == {"1": [1.5, 3.5, 5.5], "600519": [0.5, 2.5, 4.5]}
    assert reading.notes == ("Turned 6 rows of value by date and symbol into 2 columns.",)
    assert read(text, layout="wide").panel.columns == ("symbol", "value")


def test_long_tables_with_holes_and_repeats():
    pairs = [(str(d.date()), n) for d in pd.bdate_range("2020-01-01", periods=60) for n in "AB"]
    rows = [f"{d},{n},{i + 1}\n" for i, (d, n) in enumerate(pairs) if (d, n) != ("2020-01-02", "B")]
    reading = read("date,name,price\n" + "".join(rows) + rows[-1].replace(",120", ",7"))
    assert reading.panel.frame.loc["2020-01-02"].isna().tolist() == [False, True]
    assert reading.panel.frame["B"].iloc[-1] == 7
    assert "Dropped 1 row with the same date and name as a later one." in reading.notes


def test_repeated_dates_that_may_be_long_are_asked_about():
    text = "date,venue,price\n" + "".join(f"2020-01-{2 + i // 4:02},{'XY'[i % 2]},{i + 1}\n" for i in range(16))
    reading = read(text)
    assert [question.key for question in reading.questions] == ["layout"]
    assert read(text, layout="long").panel.columns == ("X", "Y")
    assert read(text, layout="wide").panel.columns == ("price",)


def test_day_or_month_first_is_seen_in_the_data():
    day_first = "d,x\n30/01/2020,1\n31/01/2020,2\n03/02/2020,3\n"
    month_first = "d,x\n01/30/2020,1\n01/31/2020,2\n02/03/2020,3\n"
    by_order = "d,x\n09/01/2020,1\n10/01/2020,2\n01/02/2020,3\n03/02/2020,4\n"  # only day first is in order
    for text in (day_first, month_first):
        reading = read(text)
        assert [str(d.date()) for d in reading.panel.frame.index] == ["2020-01-30", "2020-01-31", "2020-02-03"]
        assert reading.questions == ()
    reading = read(by_order)
    assert [str(d.date()) for d in reading.panel.frame.index[:3]] == ["2020-01-09", "2020-01-10", "2020-02-01"]
    assert reading.questions == ()


def test_day_or_month_first_is_asked_where_it_stays_open():
    text = "date,x\n01/02/2020,1.5\n02/03/2020,2.5\n03/04/2020,2.6\n"
    reading = read(text)
    (question,) = reading.questions
    assert question.key == "date_order"
    assert question.text == "Dates such as 01/02/2020 can be read in two ways. Does the day or the month come first?"
    assert question.assumed == "month first"
    assert reading.panel.frame.index[0] == pd.Timestamp("2020-01-02")
    answered = read(text, date_order="day first")
    assert answered.panel.frame.index[0] == pd.Timestamp("2020-02-01")
    assert answered.questions[0].assumed == "day first"
    assert read(text.replace(",", ";")).questions[0].assumed == "day first"


def test_decimal_sign_is_asked_where_it_stays_open():
    text = "Date;Price\n2020-01-02;1,234\n2020-01-03;1,345\n"
    reading = read(text)
    assert reading.panel.frame["Price"].tolist() == [1234, 1345]
    assert reading.questions[0].text.startswith("Numbers such as 1,345 can be read in two ways.")
    assert read(text, decimal="comma").panel.frame["Price"].tolist() == [1.234, 1.345]


def test_column_of_dates_is_asked_where_there_are_two():
    text = "trade date,settlement date,price\n2020-01-02,2020-01-06,1\n2020-01-03,2020-01-07,2\n"
    reading = read(text)
    assert reading.questions[0].choices == ("trade date", "settlement date", NO_DATES)
    assert reading.panel.frame.index[0] == pd.Timestamp("2020-01-02")
    assert read(text, date_column="settlement date").panel.frame.index[0] == pd.Timestamp("2020-01-06")
    assert not read(text, date_column=NO_DATES).panel.dated
    with pytest.raises(DataError, match="no column 'when' to take dates from; the file has trade date"):
        read(text, date_column="when")


def test_time_of_day_in_its_own_column():
    reading = read("Date,Time,Price\n2020-01-02,09:30,1\n2020-01-02,09:31,2\n2020-01-02,09:32,3\n")
    assert reading.panel.frame.index[1] == pd.Timestamp("2020-01-02 09:31")
    assert "Took the time of day from Time." in reading.notes


@pytest.mark.parametrize(
    ("text", "columns", "rows"),
    [
        ("Open,High\n1,2\n1.5,2.5\n1.6,2.6\n", ("Open", "High"), 3),
        ("1.5\n1.6\n1.7\n1.9\n", ("Column 1",), 4),
        ("1,2\n2,3\n3,4\n", ("Column 1", "Column 2"), 3),
        ("A,B\n1,2\n2,3\n3,4\n4,5\n10,14\n", ("A", "B"), 4),
        ("name,A\nx,1\ny,2\nz,5\nTotal,9\n", ("A",), 3),
    ],
    ids=["header", "one column", "no header", "sum at the end", "total by name"],
)
def test_tables_without_dates(text, columns, rows):
    reading = read(text)
    assert not reading.panel.dated
    assert reading.panel.columns == columns
    assert len(reading.panel.frame) == rows
    assert "There are no dates; rows are taken in the file's order, oldest first." in reading.notes


def test_gaps_flat_columns_and_names_given_twice_are_noted():
    dates = [*pd.bdate_range("2020-01-01", periods=20), *pd.bdate_range("2020-06-01", periods=20)]
    reading = read("Date,A,A\n" + "".join(f"{d.date()},{i + 1},7\n" for i, d in enumerate(dates)))
    assert reading.panel.columns == ("A", "A (2)")
    assert "1 gap, the longest from 2020-01-28 to 2020-06-01; no window crosses one." in reading.notes
    assert "A (2) never changes; leave it out before training." in reading.notes
    assert "The name 'A' comes more than once; the columns are numbered." in reading.notes


BAD = {
    "empty": (b"", "prices.csv is empty, expected a table"),
    "blank": (b" \n \n", "prices.csv is empty"),
    "binary": (bytes(range(256)) * 40, "holds binary data, expected a table of text"),
    "picture": (b"\x89PNG\r\n\x1a\n" + bytes(400), "holds binary data"),
    "web page": (b"<html><body>404</body></html>", "holds a web page"),
    "old excel": (b"\xd0\xcf\x11\xe0" + bytes(100), "save it as CSV, Parquet or Excel"),
    "zip": (b"PK\x03\x04" + bytes(100), "damaged or no Excel file"),
    "cut parquet": (b"PAR1" + bytes(100), "damaged, expected a whole Parquet file"),
    "header only": (b"Date,Close\n", "only one row, expected a header and at least two rows"),
    "one row": (b"Date,Close\n2020-01-02,1\n", "has 1 row of numbers, expected at least 2"),
    "text": (b"name\nfoo\nbar\nbaz\n", "No column holds numbers .name with 'foo'."),
    "all missing": (b"Date,Close\n2020-01-02,N/A\n2020-01-03,\n", "Every value of Close is missing"),
    "dates only": (b"Date\n2020-01-02\n2020-01-03\n", "No column holds numbers .only dates were found."),
    "ragged": (b"Date,A\n2020-01-02,1\n2020-01-03,1,5,7\n", "Line 3 has 4 cells, expected 2"),
}  # fmt: skip


@pytest.mark.parametrize(("content", "words"), BAD.values(), ids=BAD.keys())
def test_bad_files_are_answered_in_one_sentence(content, words):
    with pytest.raises(DataError, match=words) as caught:
        read(content)
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)


def test_size_is_checked_before_anything_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr("synthfin_core.data.reading.LARGEST_MB", 0.001)
    (tmp_path / "big.csv").write_bytes(b"\x00" * 2000)
    with pytest.raises(DataError, match=r"big.csv takes 0 MB, expected at most 0.001: keep fewer rows"):
        read_path(tmp_path / "big.csv")
    with pytest.raises(DataError, match=r"prices.csv takes"):
        read(b"\x00" * 2000)
    with pytest.raises(SourceError, match=r"gone.csv can't be opened \(No such file or directory\)"):
        read_path(tmp_path / "gone.csv")


def test_wrong_answers_are_refused():
    with pytest.raises(SettingError, match="decimal is 'dot', expected one of point, comma"):
        ReadingHints(decimal="dot")
    with pytest.raises(SettingError, match="There is no question 'colour'"):
        ReadingHints.from_answers({"colour": "red"})
    assert ReadingHints.from_answers({"layout": "long"}) == ReadingHints(layout="long")


def walk(count=40):
    rng = np.random.default_rng(0)
    prices = 100 * np.exp(np.cumsum(0.01 * rng.standard_normal((count, 2)), axis=0))
    return pd.DataFrame(prices, columns=["A", "B"], index=pd.bdate_range("2020-01-01", periods=count, name="when"))


def test_parquet_with_dates_in_index_or_column():
    for frame in (walk(), walk().reset_index()):
        buffer = io.BytesIO()
        frame.to_parquet(buffer)
        panel = read_table("x.parquet", buffer.getvalue()).panel
        np.testing.assert_array_equal(panel.frame, walk())
        np.testing.assert_array_equal(panel.frame.index, walk().index)


def test_excel_reads_the_first_sheet_that_holds_something():
    buffer = io.BytesIO()
    with pd.ExcelWriter(buffer) as book:
        pd.DataFrame().to_excel(book, sheet_name="Cover", index=False)
        walk().to_excel(book, sheet_name="Prices")
        walk().to_excel(book, sheet_name="Other")
    reading = read_table("x.xlsx", buffer.getvalue())
    np.testing.assert_allclose(reading.panel.frame, walk(), rtol=1e-14)
    assert reading.panel.frame.index[0] == pd.Timestamp("2020-01-01")
    assert "Read the sheet Prices; left out 1 other sheet." in reading.notes


def test_excel_bomb_is_refused(monkeypatch):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", bytes(1_000_000))
    monkeypatch.setattr("synthfin_core.data.reading.LARGEST_MB", 0.1)
    with pytest.raises(DataError, match=r"x\.xlsx takes 1 MB, expected at most 0.1"):
        read_table("x.xlsx", buffer.getvalue())


@pytest.mark.parametrize(
    "frame",
    [
        walk(),
        walk().tz_localize("America/New_York"),
        walk().reset_index(),
        walk().reset_index().astype({"when": str}),
        walk().set_axis(walk().index.strftime("%d.%m.%Y"), axis=0),
        walk().set_axis(walk().index.to_period("D"), axis=0),
        walk().iloc[::-1],
        walk().rename_axis("when").reset_index().melt("when", var_name="ticker").set_index(["when", "ticker"]),
        walk().set_axis(pd.MultiIndex.from_product([["Close"], ["A", "B"]], names=["Price", "Ticker"]), axis=1),
        walk().astype(object),
    ],
    ids=["index", "zone", "column", "text", "text index", "period", "newest first", "long", "yfinance", "objects"],
)
def test_frames_in_every_dress(frame):
    before = frame.copy()
    panel = read_frame(frame).panel
    assert panel.columns == ("A", "B")
    np.testing.assert_array_equal(panel.frame.to_numpy(), walk().to_numpy())
    np.testing.assert_array_equal(panel.frame.index.to_numpy(), walk().index.as_unit("ns").to_numpy())
    pd.testing.assert_frame_equal(frame, before)


def test_frames_with_infinite_and_logical_values():
    frame = walk().assign(flag=True)
    frame.iloc[3, 0] = np.inf
    reading = read_frame(frame)
    assert "1 infinite value of A counts as missing." in reading.notes
    assert reading.panel.columns == ("A", "B")
    with pytest.raises(DataError, match="The table has 0 rows and 0 columns"):
        read_frame(pd.DataFrame())


def test_long_files_are_read_as_short_ones(monkeypatch):
    text = walk(300).to_csv(sep=";", decimal=",", date_format="%d/%m/%Y")
    patient = read(text)
    monkeypatch.setattr("synthfin_core.data.delimited._LONG", 0)
    fast = read(text)
    assert fast.panel.fingerprint == patient.panel.fingerprint
    np.testing.assert_allclose(fast.panel.frame, walk(300), rtol=1e-12)
    with pytest.raises(DataError, match="cells, expected 3"):
        read(text + "01/01/2030;1;2;3\n")


def test_formats_are_what_can_be_read():
    assert set(FORMATS) == {"csv", "tsv", "txt", "parquet", "xlsx"}
