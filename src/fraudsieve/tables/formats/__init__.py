"""The formats of tables: Parquet, delimited text, JSON and workbooks, each read into rows without conversion."""
