"""DynamoDB: reads of tables, transactions, and the adapters that other rooms ask for by protocols of their own."""
