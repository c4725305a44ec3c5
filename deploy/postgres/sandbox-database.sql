-- Runs once, when the server makes its data. The sandbox provider never shares a database with Perennial.
CREATE DATABASE perennial_sandbox OWNER perennial;
