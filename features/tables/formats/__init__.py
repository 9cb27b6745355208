"""The formats of tables: Parquet, text with separators, JSON and workbooks, each read into rows as they are."""
